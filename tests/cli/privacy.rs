//! Who could not read the sources cannot read what is made of them.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::place::{CLEAN, Place};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The permissions of everything in `folder` and of itself.
fn modes(folder: &Path) -> Vec<(String, u32)> {
    let mut all = vec![(folder.display().to_string(), mode(folder))];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(modes(&path));
        } else {
            all.push((path.display().to_string(), mode(&path)));
        }
    }
    all
}

/// The permissions that files below `folder` can have at most for others than their owner: who may not pass one of the
/// folders on the way cannot reach them. Folders for temporary files may themselves be closed to others.
fn reachable(folder: &Path) -> u32 {
    let folder = folder.canonicalize().unwrap();
    let all_have = |bit| folder.ancestors().all(|folder| mode(folder) & bit != 0);
    0o700 | if all_have(0o010) { 0o070 } else { 0 } | if all_have(0o001) { 0o007 } else { 0 }
}

#[test]
fn outputs_have_no_readers_that_a_source_has_not() {
    let place = Place::new();
    place.write("in/a.txt", CLEAN);
    place.write("in/sub/b.txt", CLEAN);
    let root = place.path("in").parent().unwrap().to_owned();
    for folder in [root.clone(), place.path("in"), place.path("in/sub")] {
        set_mode(&folder, 0o755);
    }
    for file in ["in/a.txt", "in/sub/b.txt"] {
        set_mode(&place.path(file), 0o644);
    }
    // What the umask of this process gives to any new file, as far as anybody can reach it there.
    place.write("probe", "");
    let usual = mode(&place.path("probe")) & reachable(&root);
    place.run("run in --out out --model echo", 0, "out");
    assert_eq!(mode(&place.path("out/a.en.txt")), usual);
    assert_eq!(mode(&place.path("out/memory.sqlite")), 0o600);

    // One file that only its owner and group may read: files of the run before lose what they had.
    set_mode(&place.path("in/sub/b.txt"), 0o640);
    place.run("run in --out out --model echo", 0, "out");
    place.run("run in --out new/out --model echo", 0, "new/out");
    for (path, mode) in
        modes(&place.path("out")).into_iter().skip(1).filter(|(path, _)| !path.ends_with("/sub"))
    {
        assert_eq!(mode & 0o007, 0, "{path}");
    }
    for (path, mode) in modes(&place.path("new")) {
        assert_eq!(mode & 0o007, 0, "{path}");
    }
    assert_eq!(mode(&place.path("out/a.en.txt")), usual & 0o770);

    // A folder that nobody else may enter hides what is in it.
    set_mode(&place.path("in/sub/b.txt"), 0o644);
    set_mode(&place.path("in"), 0o700);
    place.run("run in --out third --model echo", 0, "third");
    for (path, mode) in modes(&place.path("third")) {
        assert_eq!(mode & 0o077, 0, "{path}");
    }
}
