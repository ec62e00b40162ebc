//! A small model of a file system: what is in its files, and what of it outlives a power cut.
//!
//! It is as strict as the rules allow: a file's bytes are durable by an fsync of the file alone, a name by an fsync of its directory
//! alone. Replaying the calls of a run one by one tells what would be there if the power went right after each.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What happens to that which was never synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// All of it is gone.
    AllLost,
    /// All of it is there: as after the end of the process alone.
    AllKept,
    /// The names are there, the bytes are not: as where a file system delays them.
    NamesKept,
    /// The bytes are there, the names are as they were.
    BytesKept,
}

/// Every cut.
pub const CUTS: [Cut; 4] = [Cut::AllLost, Cut::NamesKept, Cut::BytesKept, Cut::AllKept];

type FileNumber = usize;

#[derive(Clone, Debug, Default)]
struct File {
    bytes: Vec<u8>,
    synced: Vec<u8>,
}

/// The model. Only what lies below its root counts.
#[derive(Clone, Debug)]
pub struct Disk {
    root: PathBuf,
    files: Vec<File>,
    names: BTreeMap<PathBuf, FileNumber>,
    durable: BTreeMap<PathBuf, FileNumber>,
    directories: BTreeSet<PathBuf>,
    durable_directories: BTreeSet<PathBuf>,
}

impl Disk {
    /// Takes what stands there for durable.
    pub fn of(root: &Path) -> Self {
        let mut disk = Self {
            root: root.to_owned(),
            files: Vec::new(),
            names: BTreeMap::new(),
            durable: BTreeMap::new(),
            directories: BTreeSet::new(),
            durable_directories: BTreeSet::new(),
        };
        let standing = Image::of(root);
        disk.directories = standing.directories;
        disk.durable_directories = disk.directories.clone();
        for (path, bytes) in standing.files {
            let file = disk.new_file();
            disk.files[file] = File { synced: bytes.clone(), bytes };
            disk.names.insert(path, file);
        }
        disk.durable = disk.names.clone();
        disk
    }

    /// Tells whether a path is one of the model's.
    pub fn holds(&self, path: &Path) -> bool {
        path.starts_with(&self.root)
    }

    /// Tells whether a directory is at a path.
    pub fn is_directory(&self, path: &Path) -> bool {
        self.directories.contains(path)
    }

    /// Returns the file of a name.
    pub fn find(&self, path: &Path) -> Option<FileNumber> {
        self.names.get(path).copied()
    }

    /// Makes a file without a name.
    pub fn new_file(&mut self) -> FileNumber {
        self.files.push(File::default());
        self.files.len() - 1
    }

    /// Gives a file a name, or another name's place.
    pub fn name(&mut self, path: &Path, file: FileNumber) {
        self.names.insert(path.to_owned(), file);
    }

    /// Takes a name away and returns the file that had it.
    pub fn forget(&mut self, path: &Path) -> FileNumber {
        self.names.remove(path).unwrap_or_else(|| panic!("{} has no file", path.display()))
    }

    /// Makes a directory.
    pub fn make_directory(&mut self, path: &Path) {
        self.directories.insert(path.to_owned());
    }

    /// Writes into a file and returns where the bytes end.
    pub fn write(&mut self, file: FileNumber, at: usize, bytes: &[u8]) -> usize {
        let held = &mut self.files[file].bytes;
        let end = at + bytes.len();
        held.resize(held.len().max(end), 0);
        held[at..end].copy_from_slice(bytes);
        end
    }

    /// Makes a file longer or shorter.
    pub fn set_length(&mut self, file: FileNumber, length: usize) {
        self.files[file].bytes.resize(length, 0);
    }

    /// Makes a file's bytes durable.
    pub fn sync_file(&mut self, file: FileNumber) {
        let file = &mut self.files[file];
        file.synced.clone_from(&file.bytes);
    }

    /// Makes the names in a directory durable.
    pub fn sync_directory(&mut self, path: &Path) {
        self.durable.retain(|name, _| name.parent() != Some(path));
        let now = self.names.iter().filter(|(name, _)| name.parent() == Some(path));
        self.durable.extend(now.map(|(name, file)| (name.clone(), *file)));
        let within = self.directories.iter().filter(|directory| directory.parent() == Some(path));
        self.durable_directories.extend(within.cloned());
    }

    /// Tells whether nothing on the way to a name is lost with it.
    fn is_reachable(&self, path: &Path) -> bool {
        let above = path.ancestors().skip(1).take_while(|above| self.holds(above));
        above.into_iter().all(|above| self.durable_directories.contains(above))
    }

    /// Returns what is there after the power has gone and come back.
    pub fn after(&self, cut: Cut) -> Image {
        let names_kept = matches!(cut, Cut::AllKept | Cut::NamesKept);
        let names = if names_kept { &self.names } else { &self.durable };
        let bytes = |file: &FileNumber| match cut {
            Cut::AllKept | Cut::BytesKept => self.files[*file].bytes.clone(),
            Cut::AllLost | Cut::NamesKept => self.files[*file].synced.clone(),
        };
        let files =
            names.iter().filter(|(path, _)| !is_index(path) && (names_kept || self.is_reachable(path)));
        // A directory that would be lost with all that is in it stays, empty: it has to be the same one afterwards.
        Image {
            files: files.map(|(path, file)| (path.clone(), bytes(file))).collect(),
            directories: self.directories.clone(),
        }
    }
}

/// SQLite's index of a log is written through memory, which no call shows, and is made anew from the log.
fn is_index(path: &Path) -> bool {
    path.to_str().is_some_and(|path| path.ends_with("-shm"))
}

/// What stands below a root.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Image {
    files: BTreeMap<PathBuf, Vec<u8>>,
    directories: BTreeSet<PathBuf>,
}

impl Image {
    /// Reads what stands there.
    pub fn of(root: &Path) -> Self {
        let mut image = Self { files: BTreeMap::new(), directories: BTreeSet::from([root.to_owned()]) };
        for entry in std::fs::read_dir(root).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                let within = Self::of(&path);
                image.files.extend(within.files);
                image.directories.extend(within.directories);
            } else if !is_index(&path) {
                let bytes = std::fs::read(&path).unwrap();
                image.files.insert(path, bytes);
            }
        }
        image
    }

    /// Puts it where it was read, with everything else away. Directories stay the same ones, and the files are as old as after a
    /// machine has started anew.
    pub fn lay_down(&self, root: &Path) {
        let then = std::time::SystemTime::now() - std::time::Duration::from_secs(120);
        remove_files(root);
        for path in &self.directories {
            std::fs::create_dir_all(path).unwrap();
        }
        for (path, bytes) in &self.files {
            std::fs::write(path, bytes).unwrap();
            std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
            std::fs::File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
        }
    }

    /// Names the files that differ between two.
    pub fn unlike(&self, other: &Self) -> Vec<PathBuf> {
        let paths: BTreeSet<&PathBuf> = self.files.keys().chain(other.files.keys()).collect();
        paths.into_iter().filter(|path| self.files.get(*path) != other.files.get(*path)).cloned().collect()
    }
}

fn remove_files(dir: &Path) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { remove_files(&path) } else { std::fs::remove_file(path).unwrap() }
    }
}
