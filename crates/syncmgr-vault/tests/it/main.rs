//! The vault with a real keyring on a bus of its own, and with the file.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails; helpers outside test functions are not exempt"
)]

mod keyring;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use keyring::Desktop;
use syncmgr_model::id::ItemKey;
use syncmgr_vault::{Kind, SECRET_LEN_MAX, Secret, Standing, Vault, VaultError};

const CANARY: &str = "canary-7d1f-geheim";

fn key(text: &str) -> ItemKey {
    ItemKey::parse(text).unwrap()
}

fn secret() -> Secret {
    Secret::new(CANARY)
}

/// A vault whose bus is nowhere.
fn without_bus(state: &Path) -> Vault {
    Vault::on_bus(state, Some("unix:path=/nowhere/bus".to_owned()))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn without_a_keyring_secrets_are_in_a_file_of_their_owner() {
    let dir = tempfile::tempdir().unwrap();
    let vault = without_bus(dir.path());
    let item = key("restic/home");
    assert_eq!(vault.get(&item, "password").unwrap(), None);
    assert_eq!(vault.standing(), Standing::Absent);
    assert_eq!(
        vault.set(&item, "password", &secret(), None).unwrap(),
        Kind::File
    );
    assert_eq!(vault.get(&item, "password").unwrap(), Some(secret()));
    assert_eq!(vault.get(&item, "other").unwrap(), None);
    assert_eq!(vault.get(&key("files/home"), "password").unwrap(), None);
    assert_eq!(mode(&vault.path()), 0o600);
    let names: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        !names.iter().any(|name| name.ends_with(".new")),
        "{names:?}"
    );
    vault
        .set(&item, "password", &Secret::new("two"), None)
        .unwrap();
    assert_eq!(
        vault.get(&item, "password").unwrap().unwrap().expose(),
        "two"
    );
    vault.set(&item, "token", &secret(), None).unwrap();
    assert_eq!(vault.list().unwrap().len(), 2);
    assert_eq!(vault.remove_all(&item).unwrap(), 2);
    assert!(vault.list().unwrap().is_empty());
    assert!(!fs::read_to_string(vault.path()).unwrap().contains(CANARY));
}

#[test]
fn a_file_that_others_can_read_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let vault = without_bus(dir.path());
    let item = key("restic/home");
    vault.set(&item, "password", &secret(), None).unwrap();
    for bits in [0o640, 0o604, 0o660, 0o777] {
        fs::set_permissions(vault.path(), fs::Permissions::from_mode(bits)).unwrap();
        let refused = |result: Result<(), VaultError>| {
            assert!(matches!(result, Err(VaultError::Exposed(_))), "{bits:o}");
        };
        refused(vault.get(&item, "password").map(drop));
        refused(vault.set(&item, "password", &secret(), None).map(drop));
        refused(vault.list().map(drop));
    }
    fs::set_permissions(vault.path(), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(vault.get(&item, "password").unwrap(), Some(secret()));
}

#[test]
fn a_link_in_place_of_the_file_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let vault = without_bus(dir.path());
    let elsewhere = dir.path().join("elsewhere");
    fs::write(&elsewhere, "{}").unwrap();
    symlink(&elsewhere, vault.path()).unwrap();
    let item = key("restic/home");
    assert!(vault.set(&item, "password", &secret(), None).is_err());
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "{}");
}

#[test]
fn a_damaged_file_stays_and_its_text_is_in_no_message() {
    let dir = tempfile::tempdir().unwrap();
    let vault = without_bus(dir.path());
    fs::write(vault.path(), CANARY).unwrap();
    fs::set_permissions(vault.path(), fs::Permissions::from_mode(0o600)).unwrap();
    let item = key("restic/home");
    let error = vault.set(&item, "password", &secret(), None).unwrap_err();
    assert!(!format!("{error} {error:?} {}", error.advice()).contains(CANARY));
    assert_eq!(fs::read_to_string(vault.path()).unwrap(), CANARY);
}

#[test]
fn what_is_no_secret_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let vault = without_bus(dir.path());
    let long = "x".repeat(SECRET_LEN_MAX + 1);
    for bad in ["", "a\0b", &long] {
        let set = vault.set(&key("restic/home"), "k", &Secret::new(bad), None);
        assert!(matches!(set, Err(VaultError::Unusable(_))));
    }
    assert!(!vault.path().exists());
    assert_eq!(format!("{:?}", secret()), "Secret(..)");
}

#[test]
fn two_writers_at_once_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let vault = without_bus(dir.path());
            scope.spawn(move || {
                for n in 0..10 {
                    let item = key(&format!("restic/i{writer}-{n}"));
                    vault.set(&item, "k", &secret(), Some(Kind::File)).unwrap();
                }
            });
        }
    });
    assert_eq!(without_bus(dir.path()).list().unwrap().len(), 40);
}

#[test]
fn with_a_keyring_no_secret_is_in_the_file() {
    let Some(desktop) = Desktop::start() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let vault = desktop.vault(dir.path());
    let item = key("restic/home");
    assert_eq!(vault.standing(), Standing::Open);
    assert_eq!(
        vault.set(&item, "password", &secret(), None).unwrap(),
        Kind::Service
    );
    assert!(!fs::read_to_string(vault.path()).unwrap().contains(CANARY));
    assert_eq!(vault.get(&item, "password").unwrap(), Some(secret()));
    // Replaced, not doubled.
    vault
        .set(&item, "password", &Secret::new("two"), None)
        .unwrap();
    assert_eq!(
        vault.get(&item, "password").unwrap().unwrap().expose(),
        "two"
    );
    // Another state folder has secrets of its own.
    let other = tempfile::tempdir().unwrap();
    let elsewhere = desktop.vault(other.path());
    elsewhere.set(&item, "password", &secret(), None).unwrap();
    assert_eq!(
        vault.get(&item, "password").unwrap().unwrap().expose(),
        "two"
    );

    assert!(vault.move_to(&item, "password", Kind::File).unwrap());
    assert_eq!(vault.list().unwrap()[0].kind, Kind::File);
    assert!(fs::read_to_string(vault.path()).unwrap().contains("two"));
    assert!(vault.move_to(&item, "password", Kind::Service).unwrap());
    assert!(!fs::read_to_string(vault.path()).unwrap().contains("two"));
    assert_eq!(
        vault.get(&item, "password").unwrap().unwrap().expose(),
        "two"
    );

    assert!(vault.remove(&item, "password").unwrap());
    assert!(!vault.remove(&item, "password").unwrap());
    assert_eq!(vault.get(&item, "password").unwrap(), None);
    assert_eq!(elsewhere.get(&item, "password").unwrap(), Some(secret()));
}

#[test]
fn a_locked_keyring_and_one_that_is_gone_are_told_from_a_missing_secret() {
    let Some(mut desktop) = Desktop::start() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let vault = desktop.vault(dir.path());
    let item = key("restic/home");
    vault.set(&item, "password", &secret(), None).unwrap();
    desktop.lock();
    assert_eq!(vault.standing(), Standing::Locked);
    assert!(matches!(
        vault.get(&item, "password"),
        Err(VaultError::Locked)
    ));
    assert!(matches!(
        vault.set(&key("restic/new"), "password", &secret(), None),
        Err(VaultError::Locked)
    ));
    assert!(matches!(
        vault.remove(&item, "password"),
        Err(VaultError::Locked)
    ));
    assert_eq!(vault.list().unwrap().len(), 1);
    // In the file it can be kept all the same.
    vault
        .set(&key("restic/new"), "password", &secret(), Some(Kind::File))
        .unwrap();
    drop(desktop);
    assert!(matches!(
        vault.get(&item, "password"),
        Err(VaultError::Unreachable(_))
    ));
    assert_eq!(vault.get(&item, "never-set").unwrap(), None);
    assert_eq!(
        vault.get(&key("restic/new"), "password").unwrap(),
        Some(secret())
    );
}
