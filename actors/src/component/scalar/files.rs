//! What a source of files reads.

use super::glob::{self, Glob, Part};

/// Patterns of file names, each with the drive of Windows that it is on.
#[derive(Debug, Clone)]
pub struct Files {
    include: Vec<(Option<char>, Glob)>,
    exclude: Vec<(Option<char>, Glob)>,
}

impl Files {
    /// Files that one of `include` matches and none of `exclude`. A pattern that cannot be read matches nothing.
    #[must_use]
    pub fn new(include: &[String], exclude: &[String]) -> Self {
        let globs = |patterns: &[String]| {
            let of = |pattern: &String| {
                let drive = drive(pattern);
                glob::read(pattern).unwrap_or_default().into_iter().map(move |glob| (drive, glob))
            };
            patterns.iter().flat_map(of).collect()
        };
        Self { include: globs(include), exclude: globs(exclude) }
    }

    /// Whether a file of this path is read.
    #[must_use]
    pub fn hold(&self, file: &str) -> bool {
        let (on, Some(names)) = (drive(file), glob::literal(file)) else { return false };
        let is_of =
            |(drive, glob): &(Option<char>, Glob)| *drive == on && Glob::meet(glob.parts(), &names, Part::meets);
        self.include.iter().any(is_of) && !self.exclude.iter().any(is_of)
    }
}

fn drive(path: &str) -> Option<char> {
    let mut chars = path.chars();
    let drive = chars.next().filter(char::is_ascii_alphabetic)?;
    (chars.next() == Some(':')).then_some(drive.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn names_are_matched_as_the_receiver_matches_them() {
        for (pattern, file, expected) in [
            ("/var/log/app.log", "/var/log/app.log", true),
            ("/var/log/app.log", "/var/log/appxlog", false),
            ("/var/log/*.log", "/var/log/app.log", true),
            ("/var/log/*.log", "/var/log/a/app.log", false),
            ("/var/log/*", "/var/log/.hidden", true),
            ("/var/**/*.log", "/var/app.log", true),
            ("/var/**/*.log", "/var/log/a/b/app.log", true),
            ("/var/**/*.log", "/var/log/app.json", false),
            ("/var/**", "/var/log/a/b", true),
            ("/var/log/a**", "/var/log/app.log", true),
            ("/var/log/a**", "/var/log/a/b", false),
            ("/var/log/{app,db}.log", "/var/log/db.log", true),
            ("/var/log/{app,db}.log", "/var/log/web.log", false),
            ("/var/{log,spool/**}/x", "/var/spool/a/b/x", true),
            ("/var/log/a[0-9].log", "/var/log/a7.log", true),
            ("/var/log/a[^0-9].log", "/var/log/a7.log", false),
            ("/var/log/a[1].log", "/var/log/a[1].log", false),
            ("/var/log/ap?.log", "/var/log/app.log", true),
            ("/var/log/app\\.log", "/var/log/app.log", true),
            ("/var/log/\\*", "/var/log/app.log", false),
            ("/VAR/log/*.log", "/var/log/app.log", false),
            ("C:\\Logs\\*.log", "c:\\logs\\app.log", true),
            ("C:\\logs\\*.log", "C:/logs/app.log", true),
            ("C:\\logs\\*.log", "D:\\logs\\app.log", false),
            ("C:\\logs\\*.log", "/logs/app.log", false),
            ("/[", "/a", false),
        ] {
            assert_eq!(Files::new(&texts(&[pattern]), &[]).hold(file), expected, "{pattern} {file}");
        }
    }

    #[test]
    fn what_is_left_out_is_not_held() {
        let files = Files::new(&texts(&["/a/*.log", "/b/**"]), &texts(&["/b/c/*"]));
        let held = ["/a/x.log", "/b/x", "/b/c/d/x"].map(|file| files.hold(file));
        let left = ["/a/x", "/b/c/x", "/x"].map(|file| files.hold(file));
        assert_eq!((held, left), ([true; 3], [false; 3]));
    }
}
