//! How a folder is called when people see it, and how a path they typed is read back.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use syncmgr_engine::entry::Sides;
use syncmgr_engine::path::{display_bytes, undisplay};

/// Returns a folder as harmless text, with `~` for the home folder (S6).
#[must_use]
pub fn shown(path: &Path, home: Option<&Path>) -> String {
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) if rest.as_os_str().is_empty() => "~".to_owned(),
        Some(rest) => format!("~/{}", display_bytes(rest.as_os_str().as_bytes())),
        None => display_bytes(path.as_os_str().as_bytes()),
    }
}

/// Returns a path as text for the settings; every path comes back through [`read`].
#[must_use]
pub fn written(path: &Path) -> String {
    display_bytes(path.as_os_str().as_bytes())
}

/// Reads a path from the settings: `~/` is the home folder, escapes as in [`written`].
#[must_use]
pub fn read(text: &str, home: Option<&Path>) -> PathBuf {
    let path = PathBuf::from(OsString::from_vec(undisplay(text)));
    match (home, path.strip_prefix("~")) {
        (Some(home), Ok(rest)) if rest.as_os_str().is_empty() => home.to_owned(),
        (Some(home), Ok(rest)) => home.join(rest),
        (Some(_) | None, _) => path,
    }
}

/// Returns short names for two folders: what tells them apart, the last part if that does. They
/// become part of file names (of conflict copies).
#[must_use]
pub fn names(left: &Path, right: &Path) -> Sides<String> {
    let parts = |path: &Path| -> Vec<Vec<u8>> {
        path.iter().rev().map(|p| p.as_bytes().to_vec()).collect()
    };
    let pair = parts(left)
        .into_iter()
        .zip(parts(right))
        .find(|(a, b)| a != b && a != b"/" && b != b"/");
    match pair {
        Some((a, b)) => {
            let name = |bytes: &[u8]| display_bytes(bytes).replace(['\\', '/'], "_");
            Sides::new(name(&a), name(&b))
        }
        None => Sides::new("left".to_owned(), "right".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_called_by_what_tells_them_apart() {
        let check = |left: &str, right: &str, expected: [&str; 2]| {
            let names = names(Path::new(left), Path::new(right));
            assert_eq!([names.left.as_str(), names.right.as_str()], expected);
        };
        check("/home/me/A", "/mnt/B", ["A", "B"]);
        check("/home/me/Photos", "/mnt/usb/Photos", ["me", "usb"]);
        check("/a", "/b/a", ["left", "right"]);
    }

    #[test]
    fn every_path_survives_the_settings() {
        let home = Some(Path::new("/home/me"));
        for bytes in [&b"/a\nb"[..], b"/\xff", b"/x\\n", b"/~/a"] {
            let path = PathBuf::from(OsString::from_vec(bytes.to_vec()));
            assert_eq!(read(&written(&path), home), path);
        }
        assert_eq!(read("~/Photos", home), Path::new("/home/me/Photos"));
        assert_eq!(
            shown(Path::new("/home/me/a\x1b[31m"), home),
            "~/a\\u{1b}[31m"
        );
    }
    #[test]
    fn the_engine_escapes_as_the_rest_of_the_program() {
        let mut chance = 1u32;
        for n in 0..10_000 {
            let bytes: Vec<u8> = (0..n % 12)
                .map(|_| {
                    chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    // Many of the letters that escapes are made of.
                    let letters = b"\\nu{}x0aF\xe2\x80\xae\x1b\xff";
                    letters[(chance >> 16) as usize % letters.len()]
                })
                .collect();
            let text = display_bytes(&bytes);
            assert_eq!(text, syncmgr_model::escape::escape(&bytes));
            assert_eq!(undisplay(&text), bytes);
            assert_eq!(syncmgr_model::escape::unescape(&text), bytes);
        }
    }
}
