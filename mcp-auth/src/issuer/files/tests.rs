//! A folder of keys: made once, rotated without a gap, cleaned, and refused where others can meddle.

use super::*;
use crate::jwks;

fn folder() -> (tempfile::TempDir, KeyFiles) {
    let dir = tempfile::tempdir().unwrap();
    let files = KeyFiles::new(dir.path().join("keys"));
    (dir, files)
}

fn published(files: &KeyFiles, now: i64) -> Vec<String> {
    let keys = jwks::parse(&fs::read(files.jwks()).unwrap()).unwrap().publish(now);
    let kid = |key: &Value| key["kid"].as_str().unwrap().to_owned();
    keys["keys"].as_array().unwrap().iter().map(kid).collect()
}

#[test]
fn a_second_key_is_never_made_over_the_first() {
    let (_dir, files) = folder();
    let first = files.generate(Alg::Rs256, 2048).unwrap();
    assert!(matches!(files.generate(Alg::Rs256, 2048), Err(FileError::Exists(_))));
    assert_eq!(files.signing_key(Alg::Rs256).unwrap().kid(), first.kid());
    assert_eq!(fs::read_dir(files.dir()).unwrap().count(), 3, "nothing is left lying about");
}

#[test]
fn processes_that_start_together_agree_on_one_key() {
    let (_dir, files) = folder();
    let kids: Vec<_> = std::thread::scope(|scope| {
        let start = |_| scope.spawn(|| files.ensure().unwrap().0.kid().to_owned());
        let threads: Vec<_> = (0..4).map(start).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(kids.iter().all(|kid| *kid == kids[0]), "{kids:?}");
}

#[test]
fn after_a_rotation_the_new_key_signs_and_the_old_one_is_published_for_a_while() {
    let (_dir, files) = folder();
    let old = files.generate(Alg::Rs256, 2048).unwrap();
    let new = files.rotate(Alg::Rs256, 2048, 100, 1000).unwrap();
    assert_eq!(files.signing_key(Alg::Rs256).unwrap().kid(), new.kid());
    assert_eq!(published(&files, 1099), [new.kid(), old.kid()]);
    assert_eq!(published(&files, 1100), [new.kid()]);
    let newest = files.rotate(Alg::Rs256, 2048, 100, 2000).unwrap();
    assert_eq!(published(&files, 2000), [newest.kid(), new.kid()]);
    assert!(!files.private(old.kid()).exists(), "the files of a key past its time go");
}

/// The names of the keys whose private halves are in the folder.
fn stored(files: &KeyFiles) -> Vec<String> {
    let names = fs::read_dir(files.dir()).unwrap().map(|entry| entry.unwrap().file_name());
    let kid = |name: std::ffi::OsString| {
        name.to_str().unwrap().strip_suffix(".private.pem").map(str::to_owned)
    };
    let mut kids: Vec<_> = names.filter_map(kid).collect();
    kids.sort();
    kids
}

#[test]
fn of_processes_that_rotate_together_none_loses_a_key() {
    let (_dir, files) = folder();
    files.generate(Alg::EdDsa, 0).unwrap();
    let together = std::sync::Barrier::new(8);
    let rotate = || {
        together.wait();
        (0..8)
            .filter(|_| match files.rotate(Alg::EdDsa, 0, 100, 1000) {
                Ok(_) => true,
                Err(error) => {
                    assert!(matches!(error, FileError::Busy(_)), "{error}");
                    false
                }
            })
            .count()
    };
    let made: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(rotate)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    let list = files.list().unwrap();
    assert_eq!(list.iter().filter(|key| key.retires.is_none()).count(), 1, "one key signs");
    let mut published: Vec<_> = list.into_iter().map(|key| key.kid).collect();
    published.sort();
    assert_eq!(published, stored(&files), "what is published is there, and the other way round");
    assert_eq!(published.len(), 1 + made, "who was told that it worked has a key");
    assert_eq!(fs::read_dir(files.dir()).unwrap().count(), 2 * published.len() + 1);
}

#[test]
fn where_there_is_no_key_a_rotation_says_so_and_a_cleaning_has_nothing_to_do() {
    let (_dir, files) = folder();
    let error = files.rotate(Alg::Rs256, 2048, 100, 1000).unwrap_err().to_string();
    assert!(error.contains("keys generate --alg RS256"), "{error}");
    assert!(files.clean().unwrap().is_empty());
    assert!(!files.dir().exists());
}

#[test]
fn whoever_was_stopped_halfway_is_named_and_nothing_changes_before_he_is_gone() {
    let (_dir, files) = folder();
    let key = files.generate(Alg::EdDsa, 0).unwrap();
    let left = files.dir().join("keys.lock");
    fs::write(&left, "").unwrap();
    for error in [files.rotate(Alg::EdDsa, 0, 100, 1000).map(drop), files.clean().map(drop)] {
        let error = error.unwrap_err().to_string();
        assert!(error.contains(&format!("remove {}", left.display())), "{error}");
    }
    assert_eq!(stored(&files), [key.kid()]);
    assert!(files.signing_key(Alg::EdDsa).is_ok(), "who only reads need not wait");
    fs::remove_file(&left).unwrap();
    files.rotate(Alg::EdDsa, 0, 100, 1000).unwrap();
    assert!(!left.exists(), "the turn is given back");
}

#[test]
fn a_key_that_retires_signs_no_more_and_the_error_says_what_helps() {
    let (_dir, files) = folder();
    files.generate(Alg::Rs256, 2048).unwrap();
    files.rotate(Alg::Es256, 0, 100, 1000).unwrap();
    let error = files.signing_key(Alg::Rs256).unwrap_err().to_string();
    assert!(error.contains("keys rotate --alg RS256"), "{error}");
    files.rotate(Alg::Rs256, 2048, 100, 1000).unwrap();
    assert!(files.signing_key(Alg::Rs256).is_ok());
}

#[test]
fn a_published_key_whose_private_half_is_gone_is_replaced_by_a_rotation_and_the_error_says_so() {
    let (_dir, files) = folder();
    let key = files.generate(Alg::Rs256, 2048).unwrap();
    fs::remove_file(files.private(key.kid())).unwrap();
    for error in [files.signing_key(Alg::Rs256).map(drop), files.ensure().map(drop)] {
        let error = error.unwrap_err().to_string();
        let private = files.private(key.kid());
        assert!(error.starts_with(&format!("{} is not there", private.display())), "{error}");
        let command = format!("keys rotate --alg RS256 --dir {}", files.dir().display());
        assert!(error.contains(&command), "{error}");
    }
    let new = files.rotate(Alg::Rs256, 2048, 100, 1000).unwrap();
    assert_eq!(files.ensure().unwrap().0.kid(), new.kid());
    assert_eq!(published(&files, 1000), [new.kid(), key.kid()], "what it signed stays good");
}

#[test]
fn clean_removes_keys_and_nothing_else() {
    let (_dir, files) = folder();
    files.generate(Alg::EdDsa, 0).unwrap();
    fs::write(files.dir().join("client.json"), "{}").unwrap();
    assert_eq!(files.clean().unwrap().len(), 3);
    assert!(files.dir().join("client.json").exists());
    assert!(files.clean().unwrap().is_empty());
}

#[cfg(unix)]
#[test]
fn a_private_key_is_made_private_and_refused_when_it_no_longer_is() {
    use crate::issuer::disk::DiskError;
    use std::os::unix::fs::PermissionsExt as _;
    let (_dir, files) = folder();
    let key = files.generate(Alg::Rs256, 2048).unwrap();
    let path = files.private(key.kid());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(files.signing_key(Alg::Rs256), Err(FileError::Disk(DiskError::Readable(_)))));
}

#[cfg(unix)]
#[test]
fn keys_that_others_could_replace_are_refused() {
    use crate::issuer::disk::DiskError;
    use std::os::unix::fs::PermissionsExt as _;
    let (_dir, files) = folder();
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    let key = files.generate(Alg::EdDsa, 0).unwrap();
    let (dir, jwks) = (files.dir().to_owned(), files.jwks());
    for (path, mode) in
        [(&dir, 0o770), (&dir, 0o702), (&jwks, 0o664), (&jwks, 0o646), (&jwks, 0o1666)]
    {
        let before = fs::metadata(path).unwrap().permissions().mode() & 0o777;
        set(path, mode).unwrap();
        let refused = [
            files.signing_key(Alg::EdDsa).map(drop),
            files.list().map(drop),
            files.rotate(Alg::EdDsa, 0, 100, 1000).map(drop),
        ];
        for refused in refused {
            let error = refused.unwrap_err().to_string();
            for part in
                [format!("(mode {:o})", mode & 0o777), format!("chmod go-w {}", path.display())]
            {
                assert!(error.contains(&part), "{part} is not in: {error}");
            }
        }
        set(path, before).unwrap();
    }
    assert_eq!(stored(&files), [key.kid()]);
    for (of_dir, of_file) in [(0o755, 0o444), (0o755, 0o644), (0o555, 0o444)] {
        set(&jwks, of_file).unwrap();
        set(&dir, of_dir).unwrap(); // the last is a secret that is mounted to be read only
        assert_eq!(files.signing_key(Alg::EdDsa).unwrap().kid(), key.kid(), "{of_dir:o}");
    }
    set(&dir, 0o700).unwrap();
    files.clean().unwrap();
    set(&dir, 0o777).unwrap();
    let error = files.generate(Alg::EdDsa, 0).unwrap_err();
    assert!(matches!(error, FileError::Disk(DiskError::Writable { mode: 0o777, .. })), "{error}");
    assert!(stored(&files).is_empty(), "no key is made where others could put theirs beside it");
}

/// As secrets of Kubernetes are mounted: others may add to a sticky folder of root's. Of another's, he may replace what is there.
#[cfg(unix)]
#[test]
fn a_sticky_folder_is_guarded_where_it_is_roots() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
    let (_dir, files) = folder();
    files.generate(Alg::EdDsa, 0).unwrap();
    fs::set_permissions(files.dir(), fs::Permissions::from_mode(0o1777)).unwrap();
    let is_root = fs::metadata(files.dir()).unwrap().uid() == 0;
    assert_eq!(files.signing_key(Alg::EdDsa).is_ok(), is_root);
    if is_root {
        chown(files.dir(), Some(65534), None).unwrap();
        let error = files.signing_key(Alg::EdDsa).map(drop).unwrap_err().to_string();
        assert!(error.contains("(mode 777)"), "{error}");
    }
}

#[test]
fn a_new_key_signs_when_it_has_been_published_for_a_while() {
    let dir = tempfile::tempdir().unwrap();
    let files = KeyFiles::new(dir.path());
    let signs = |now| files.signing_key_published(60, now).unwrap().kid().to_owned();
    assert!(files.signing_key_published(60, 1000).is_err(), "there is no key");
    let first = files.generate(Alg::Es256, 0).unwrap().kid().to_owned();
    assert_eq!(signs(1000), first, "nobody can know another one");
    let second = files.rotate(Alg::Rs256, 2048, 3600, 1000).unwrap().kid().to_owned();
    assert_eq!((signs(1000), signs(1059)), (first.clone(), first.clone()));
    assert_eq!(signs(1060), second);
    let third = files.rotate(Alg::Es256, 0, 30, 1070).unwrap().kid().to_owned();
    assert_eq!(signs(1071), second);
    assert_eq!(signs(1100), third, "those before have ended");
    assert_eq!(signs(1131), third);
}
