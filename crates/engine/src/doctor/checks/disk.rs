//! Room on the disk, and whether it can be written at all.

use super::super::{Case, Check, Symptom, Told};

/// Less than this, and a store may not be written whole.
const SCARCE: u64 = 16 << 20;
/// Less than this is worth knowing.
const LOW: u64 = 256 << 20;
/// So few files that may still be made are few.
const FEW_FILES: u64 = 256;

pub(super) const CHECK: Check = Check {
    id: "disk",
    question: "Can anything still be written?",
    looks_at: "The free space and the free files of the file system of the state directory, and whether it is mounted read-only.",
    matters: "On a full disk an early release leaves a store empty, and a database keeps its earlier row. The update says that it failed, \
              if anybody reads it.",
    way_out: "Make room, or mount the volume for writing; then repeat the update.",
    run,
};

fn run(case: &Case<'_>) -> Told {
    let Some(disk) = &case.facts.disk else { return Told::default() };
    let mib = disk.free_bytes >> 20;
    let mut told = Told::seeing(vec![format!(
        "{mib} MiB are free{}",
        disk.free_files.map_or_else(String::new, |files| format!(", and {files} files may be made"))
    )]);
    let at = &case.observed().instance.state_dir;
    if disk.read_only {
        let text = format!("{at} is mounted read-only");
        told.symptoms.push(Symptom::attention(text).fix("mount it for writing"));
    } else if disk.free_bytes < SCARCE || disk.free_files.is_some_and(|files| files < FEW_FILES) {
        let text = format!("the disk of {at} is as good as full ({mib} MiB)");
        told.symptoms.push(Symptom::attention(text).given(told.seen.clone()).fix("make room"));
    } else if disk.free_bytes < LOW {
        told.symptoms.push(Symptom::info(format!("only {mib} MiB are free for {at}")).fix("make room"));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::super::super::world::*;
    use super::*;
    use keyshoal_core::examination::Disk;

    fn free(free_bytes: u64, free_files: Option<u64>, read_only: bool) -> World {
        World::new().with(|world| world.facts.disk = Some(Disk { free_bytes, free_files, read_only }))
    }

    #[test]
    fn a_full_or_closed_disk_is_found() {
        finds(&CHECK, &free(1 << 20, None, false), &["as good as full", "Attention"]);
        finds(&CHECK, &free(1 << 40, Some(3), false), &["as good as full"]);
        finds(&CHECK, &free(100 << 20, Some(9999), false), &["only 100 MiB", "Info"]);
        finds(&CHECK, &free(1 << 40, None, true), &["read-only", "Attention"]);
    }

    #[test]
    fn room_enough_is_fine() {
        is_clean(&CHECK, &free(1 << 40, Some(99_999), false));
    }
}
