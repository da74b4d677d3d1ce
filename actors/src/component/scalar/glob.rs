//! Patterns of file names as doublestar reads them, which the collector's receiver of files uses: `*` and `?` stay in a
//! folder, `**` as a whole name is any folders, `{a,b}` and `[a-z]` are choices.

use std::{borrow::Cow, sync::OnceLock};

use linkmesh_ottl::regex::Pattern;

/// A pattern of file names. It is compiled where a name comes near it.
#[derive(Debug, Clone)]
pub struct Glob {
    pattern: String,
    /// On a drive of Windows `\` stands between names, and upper and lower case are alike.
    on_drive: bool,
    compiled: OnceLock<Option<Pattern>>,
}

impl Glob {
    /// Reads a pattern that is absolute; one that is no pattern matches nothing.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        let on_drive = on_drive(pattern);
        Self { pattern: cleaned(pattern, on_drive).into_owned(), on_drive, compiled: OnceLock::new() }
    }

    /// Whether a file of this path is one of them.
    #[must_use]
    pub fn matches(&self, file: &str) -> bool {
        if on_drive(file) != self.on_drive {
            return false;
        }
        let file = cleaned(file, self.on_drive);
        let before = self.pattern.split(['*', '?', '[', '{', '\\']).next().unwrap_or_default();
        // Nearly every file is passed over by a look at the folder.
        file.starts_with(before)
            && self
                .compiled
                .get_or_init(|| Pattern::new(&regex_of(&self.pattern)).ok())
                .as_ref()
                .is_some_and(|compiled| compiled.is_match(&file))
    }
}

/// What a source of files reads.
#[derive(Debug, Clone)]
pub struct Files {
    include: Vec<Glob>,
    exclude: Vec<Glob>,
}

impl Files {
    /// Files that one of `include` matches and none of `exclude`.
    #[must_use]
    pub fn new(include: &[String], exclude: &[String]) -> Self {
        let globs = |patterns: &[String]| patterns.iter().map(|pattern| Glob::new(pattern)).collect();
        Self { include: globs(include), exclude: globs(exclude) }
    }

    /// Whether a file of this path is read.
    #[must_use]
    pub fn hold(&self, file: &str) -> bool {
        let any = |globs: &[Glob]| globs.iter().any(|glob| glob.matches(file));
        any(&self.include) && !any(&self.exclude)
    }
}

fn on_drive(path: &str) -> bool {
    path.as_bytes().get(1) == Some(&b':')
}

/// Without `//`, `.` and `..`, as the receiver cleans its patterns; on a drive with `/` between names, in lower case.
fn cleaned(path: &str, on_drive: bool) -> Cow<'_, str> {
    let path = if on_drive { Cow::Owned(path.replace('\\', "/").to_lowercase()) } else { Cow::Borrowed(path) };
    let is_clean = path.split('/').skip(1).all(|name| !matches!(name, "" | "." | ".."));
    if is_clean {
        return path;
    }
    let mut names: Vec<&str> = Vec::new();
    for (place, name) in path.split('/').enumerate() {
        match name {
            "" | "." if place > 0 => {}
            // Nothing stands above the first.
            ".." if place > 0 => names.truncate(names.len().saturating_sub(1).max(1)),
            name => names.push(name),
        }
    }
    Cow::Owned(names.join("/"))
}

/// The same as a regular expression.
fn regex_of(pattern: &str) -> String {
    let mut regex = String::from("^");
    let mut chars = pattern.chars().peekable();
    let mut alternatives = 0_usize;
    let mut begins = true;
    while let Some(c) = chars.next() {
        let was_begin = std::mem::replace(&mut begins, matches!(c, '/' | '{') || c == ',' && alternatives > 0);
        match c {
            '*' if chars.next_if_eq(&'*').is_some() => match chars.peek() {
                // `**/` is no folder as well.
                Some('/') if was_begin => {
                    chars.next();
                    begins = true;
                    regex.push_str("(?:.*/)?");
                }
                None | Some('}' | ',') if was_begin => regex.push_str(".*"),
                // Beside other letters of a name it is no more than `*`.
                _ => regex.push_str("[^/]*"),
            },
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            '{' => {
                alternatives += 1;
                regex.push_str("(?:");
            }
            '}' if alternatives > 0 => {
                alternatives -= 1;
                regex.push(')');
            }
            ',' if alternatives > 0 => regex.push('|'),
            '[' => {
                regex.push('[');
                if chars.next_if(|c| matches!(c, '^' | '!')).is_some() {
                    regex.push('^');
                }
            }
            ']' | '-' => regex.push(c),
            '\\' => regex.extend(chars.next().into_iter().flat_map(escaped)),
            c => regex.extend(escaped(c)),
        }
    }
    regex.push('$');
    regex
}

fn escaped(c: char) -> impl Iterator<Item = char> {
    let escape = (!c.is_alphanumeric() && c != '/' && c != '_').then_some('\\');
    escape.into_iter().chain([c])
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("/var/log/**.log", "/var/log/a/app.log", false),
            ("/var/log/{app,db}.log", "/var/log/db.log", true),
            ("/var/log/{app,db}.log", "/var/log/web.log", false),
            ("/var/{log,spool/**}/x", "/var/spool/a/b/x", true),
            ("/var/log/a[0-9].log", "/var/log/a7.log", true),
            ("/var/log/a[^0-9].log", "/var/log/a7.log", false),
            ("/var/log/ap?.log", "/var/log/app.log", true),
            ("/var/log/app\\.log", "/var/log/app.log", true),
            ("/var/log/\\*", "/var/log/app.log", false),
            ("/var/log/*.log", "/var//log/./x/../app.log", true),
            ("/var/log/../log/*.log", "/var/log/app.log", true),
            ("/VAR/log/*.log", "/var/log/app.log", false),
            ("C:\\Logs\\*.log", "c:\\logs\\app.log", true),
            ("C:\\logs\\*.log", "C:/logs/app.log", true),
            ("C:\\logs\\*.log", "D:\\logs\\app.log", false),
            ("C:\\logs\\*.log", "/logs/app.log", false),
            ("/**", "/../a", true),
            ("/[", "/a", false),
        ] {
            assert_eq!(Glob::new(pattern).matches(file), expected, "{pattern} {file}: {}", regex_of(pattern));
        }
    }

    #[test]
    fn what_is_left_out_is_not_held() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let files = Files::new(&texts(&["/a/*.log", "/b/**"]), &texts(&["/b/c/*"]));
        let held = ["/a/x.log", "/b/x", "/b/c/d/x"].map(|file| files.hold(file));
        let left = ["/a/x", "/b/c/x", "/x"].map(|file| files.hold(file));
        assert_eq!((held, left), ([true; 3], [false; 3]));
    }

    #[test]
    fn many_stars_take_no_long_time() {
        let pattern = "/".to_owned() + &"*a".repeat(500);
        let file = "/".to_owned() + &"a".repeat(2_000) + "b";
        assert!(!Glob::new(&pattern).matches(&file));
    }
}
