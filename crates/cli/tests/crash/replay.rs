//! Replays recorded calls on the model of a disk.

use crate::disk::Disk;
use crate::trace::{Argument, Call};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What a number of an open file means.
#[derive(Clone, Debug)]
enum Open {
    /// A file of the model, where the next write goes, and whether always to the end.
    File { file: usize, at: usize, append: bool },
    /// A directory of the model.
    Directory(PathBuf),
}

/// Which syncs a replay leaves out, to see that they matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Without {
    /// None.
    Nothing,
    /// Those of files.
    Files,
    /// Those of directories.
    Directories,
}

/// The model, and what the process has open.
pub struct Replay {
    /// What it has come to so far.
    pub disk: Disk,
    open: BTreeMap<i64, Open>,
    without: Without,
}

impl Replay {
    /// Begins with a disk before the first call.
    pub fn on(disk: Disk, without: Without) -> Self {
        Self { disk, open: BTreeMap::new(), without }
    }

    /// Does what a call did. Returns whether it concerned the disk: a point before and after which the power may go.
    pub fn apply(&mut self, call: &Call) -> bool {
        let told = &call.arguments;
        match call.name.as_str() {
            "openat" => self.opened(&told[0], &told[1], &told[2], call.result),
            "open" => self.opened(&Argument::Word("AT_FDCWD".to_owned()), &told[0], &told[1], call.result),
            "close" => told[0].number().and_then(|number| self.open.remove(&number)).map(|_| false),
            "dup" | "dup2" | "dup3" => self.copied(&told[0], call.result),
            "fcntl" if told[1].has("F_DUPFD") || told[1].has("F_DUPFD_CLOEXEC") => {
                self.copied(&told[0], call.result)
            }
            "lseek" | "read" => self.moved(call),
            "write" | "writev" => self.written(&told[0], None, &told[1], call.result),
            "pwrite64" => self.written(&told[0], told[3].number(), &told[1], call.result),
            "ftruncate" => self.file(&told[0]).map(|file| {
                self.disk.set_length(file, length(&told[1]));
                true
            }),
            "fsync" | "fdatasync" => self.synced(&told[0]),
            "rename" => self.renamed(&self.at_root(&told[0]), &self.at_root(&told[1]), false),
            "renameat" | "renameat2" => {
                let swap = told.get(4).is_some_and(|flags| flags.has("RENAME_EXCHANGE"));
                self.renamed(&self.path(&told[0], &told[1]), &self.path(&told[2], &told[3]), swap)
            }
            "link" => self.linked(&self.at_root(&told[0]), &self.at_root(&told[1])),
            "linkat" => self.linked(&self.path(&told[0], &told[1]), &self.path(&told[2], &told[3])),
            "unlink" => self.unlinked(&self.at_root(&told[0])),
            "unlinkat" => self.unlinked(&self.path(&told[0], &told[1])),
            "mkdir" => self.made(&self.at_root(&told[0])),
            "mkdirat" => self.made(&self.path(&told[0], &told[1])),
            _ => self.unknown(call),
        }
        .unwrap_or(false)
    }

    /// Calls that nobody has taught to the model must not concern it.
    fn unknown(&self, call: &Call) -> Option<bool> {
        if call.name == "fcntl" {
            return None;
        }
        let concerns = call.arguments.iter().any(|told| match told {
            Argument::Bytes(bytes) => self.disk.holds(Path::new(OsStr::from_bytes(bytes))),
            Argument::Word(_) => told.number().is_some_and(|number| self.open.contains_key(&number)),
        });
        assert!(!concerns, "the model does not know what this does: {call:?}");
        None
    }

    fn opened(&mut self, dir: &Argument, name: &Argument, flags: &Argument, number: i64) -> Option<bool> {
        let path = self.path(dir, name);
        self.open.remove(&number);
        if !self.disk.holds(&path) {
            return None;
        }
        let mut changed = false;
        let file = if flags.has("O_TMPFILE") {
            self.disk.new_file()
        } else if self.disk.is_directory(&path) {
            self.open.insert(number, Open::Directory(path));
            return None;
        } else if let Some(file) = self.disk.find(&path) {
            file
        } else {
            assert!(flags.has("O_CREAT"), "{} is opened and was never made", path.display());
            let file = self.disk.new_file();
            self.disk.name(&path, file);
            changed = true;
            file
        };
        if flags.has("O_TRUNC") {
            self.disk.set_length(file, 0);
            changed = true;
        }
        self.open.insert(number, Open::File { file, at: 0, append: flags.has("O_APPEND") });
        Some(changed)
    }

    fn copied(&mut self, from: &Argument, to: i64) -> Option<bool> {
        let open = self.open.get(&from.number()?)?.clone();
        self.open.insert(to, open);
        None
    }

    fn moved(&mut self, call: &Call) -> Option<bool> {
        let Open::File { at, .. } = self.open.get_mut(&call.arguments[0].number()?)? else { return None };
        let result = usize::try_from(call.result).ok()?;
        *at = if call.name == "read" { *at + result } else { result };
        None
    }

    fn written(
        &mut self,
        number: &Argument,
        place: Option<i64>,
        bytes: &Argument,
        written: i64,
    ) -> Option<bool> {
        let number = number.number()?;
        let Open::File { file, at, append } = self.open.get(&number)?.clone() else { return None };
        assert!(!append, "the model does not know files that are only appended to");
        let Argument::Bytes(bytes) = bytes else { panic!("strace has not said what was written") };
        let bytes = &bytes[..usize::try_from(written).ok()?];
        let begin = place.map_or(at, |place| usize::try_from(place).unwrap());
        let end = self.disk.write(file, begin, bytes);
        if place.is_none() {
            self.open.insert(number, Open::File { file, at: end, append });
        }
        Some(true)
    }

    fn synced(&mut self, number: &Argument) -> Option<bool> {
        match (self.open.get(&number.number()?)?, self.without) {
            (Open::File { .. }, Without::Files) | (Open::Directory(_), Without::Directories) => {}
            (Open::File { file, .. }, _) => self.disk.sync_file(*file),
            (Open::Directory(path), _) => self.disk.sync_directory(&path.clone()),
        }
        Some(true)
    }

    fn renamed(&mut self, from: &Path, to: &Path, swap: bool) -> Option<bool> {
        if !self.disk.holds(from) && !self.disk.holds(to) {
            return None;
        }
        assert!(!self.disk.is_directory(from), "the model does not know directories that move");
        let file = self.disk.forget(from);
        if swap {
            let other = self.disk.forget(to);
            self.disk.name(from, other);
        }
        self.disk.name(to, file);
        Some(true)
    }

    fn linked(&mut self, from: &Path, to: &Path) -> Option<bool> {
        if !self.disk.holds(to) {
            return None;
        }
        let nameless = from.to_str()?.strip_prefix("/proc/self/fd/");
        let file = match nameless {
            Some(number) => self.file(&Argument::Word(number.to_owned()))?,
            None => self.disk.find(from)?,
        };
        self.disk.name(to, file);
        Some(true)
    }

    fn unlinked(&mut self, path: &Path) -> Option<bool> {
        if !self.disk.holds(path) {
            return None;
        }
        self.disk.forget(path);
        Some(true)
    }

    fn made(&mut self, path: &Path) -> Option<bool> {
        self.disk.holds(path).then(|| self.disk.make_directory(path))?;
        Some(true)
    }

    fn file(&self, number: &Argument) -> Option<usize> {
        match self.open.get(&number.number()?)? {
            Open::File { file, .. } => Some(*file),
            Open::Directory(_) => None,
        }
    }

    /// Returns the path of a name that stands alone.
    fn at_root(&self, name: &Argument) -> PathBuf {
        self.path(&Argument::Word("AT_FDCWD".to_owned()), name)
    }

    /// Returns the path of a name in an open directory.
    fn path(&self, dir: &Argument, name: &Argument) -> PathBuf {
        let Argument::Bytes(name) = name else { panic!("strace has not said which name") };
        let name = Path::new(OsStr::from_bytes(name));
        let dir = match dir.number().and_then(|number| self.open.get(&number)) {
            Some(Open::Directory(dir)) => dir.clone(),
            _ => PathBuf::new(),
        };
        // `PathBuf::join` keeps an absolute name as it is; a `.` goes away here.
        dir.join(name).components().collect()
    }
}

fn length(of: &Argument) -> usize {
    of.number().and_then(|number| usize::try_from(number).ok()).unwrap()
}
