//! One script that puts a collector's files on a host and runs its commands: what the page shows, and what tests run.

use std::fmt::Write as _;

use crate::api::collector::{Bootstrap, BootstrapProgram};

/// A script for a root shell: looks for the programs, writes each file with its permissions, then runs the commands. What
/// the host's owner may have written is kept and told of before it is replaced.
///
/// It runs in a shell of its own, so that what fails ends the script and not the session that it was pasted into. The end
/// marks of the texts are chosen so that no line of a file can end it early. Files come out to the byte: a token with a
/// line feed behind it is another one to a collector that sends the whole file as its bearer.
#[must_use]
pub fn script(bootstrap: &Bootstrap) -> String {
    let mut out = String::from("(\nset -eu\n");
    if !bootstrap.programs.is_empty() {
        out.push_str("missing=\n");
        for program in &bootstrap.programs {
            // Writing into a string cannot fail.
            _ = writeln!(
                out,
                "[ -x {} ] || {{ missing=1; echo {} >&2; }}",
                quoted(&program.path),
                quoted(&lacking(program))
            );
        }
        out.push_str("[ -z \"$missing\" ] || exit 1\n");
    }
    let mut made = Vec::new();
    for file in &bootstrap.files {
        let mark = end_mark(&file.content);
        let path = quoted(&file.path);
        let folder = file.path.rsplit_once('/').map(|(folder, _)| folder);
        if let Some(folder) = folder.filter(|folder| !folder.is_empty() && !made.contains(folder)) {
            made.push(folder);
            _ = writeln!(out, "mkdir -p {}", quoted(folder));
        }
        if let Some(kept) = &file.keep_as {
            let told = quoted(&format!("What was in {} is kept as {kept}.", file.path));
            let kept = quoted(kept);
            _ = writeln!(out, "if [ -e {path} ] && [ ! -e {kept} ]; then cp -p {path} {kept}; echo {told}; fi");
        }
        let (mode, content) = (quoted(&file.mode), &file.content);
        // A here-document always ends in a line feed; `printf` is a part of the shell, so that no list of processes shows
        // what it writes.
        _ = if content.ends_with('\n') {
            writeln!(out, "install -m {mode} /dev/stdin {path} <<'{mark}'\n{content}{mark}")
        } else {
            writeln!(out, "printf %s {} | install -m {mode} /dev/stdin {path}", quoted(content))
        };
    }
    for command in &bootstrap.commands {
        _ = writeln!(out, "{command}");
    }
    out.push_str(")\n");
    out
}

fn lacking(program: &BootstrapProgram) -> String {
    let BootstrapProgram { path, name, source } = program;
    format!("{path} is missing: install {name} from {source} and paste this again. Nothing was changed.")
}

fn end_mark(content: &str) -> String {
    let mut mark = "LINKMESH".to_owned();
    while content.lines().any(|line| line == mark) {
        mark.push('_');
    }
    mark
}

fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::collector::BootstrapFile;

    fn file(path: &str, content: &str) -> BootstrapFile {
        BootstrapFile { path: path.to_owned(), mode: "0600".to_owned(), content: content.to_owned(), keep_as: None }
    }

    #[test]
    fn files_are_written_before_the_commands_run() {
        let bootstrap = Bootstrap {
            programs: Vec::new(),
            files: vec![file("/etc/linkmesh/token", "lmct_x"), file("/etc/linkmesh/config", "a: 1\n")],
            commands: vec!["systemctl restart alloy".to_owned()],
        };
        let expected = "(\nset -eu\nmkdir -p /etc/linkmesh\nprintf %s lmct_x | install -m 0600 /dev/stdin \
            /etc/linkmesh/token\ninstall -m 0600 /dev/stdin /etc/linkmesh/config <<'LINKMESH'\na: \
            1\nLINKMESH\nsystemctl restart alloy\n)\n";
        assert_eq!(script(&bootstrap), expected);
    }

    #[test]
    fn no_line_of_a_file_ends_its_text_early() {
        let files = vec![file("/a b", "LINKMESH\nLINKMESH_\n")];
        let bootstrap = Bootstrap { programs: Vec::new(), files, commands: Vec::new() };
        assert_eq!(
            script(&bootstrap),
            "(\nset -eu\ninstall -m 0600 /dev/stdin '/a b' <<'LINKMESH__'\nLINKMESH\nLINKMESH_\nLINKMESH__\n)\n"
        );
    }

    #[test]
    fn what_was_there_before_is_kept_once_and_told_of() {
        let folder = std::env::temp_dir().join(format!("linkmesh-install-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = |name: &str| folder.join(name).to_str().expect("UTF-8").to_owned();
        let (config, kept) = (path("it's config"), path("it's config.before"));
        let file = BootstrapFile { keep_as: Some(kept.clone()), ..file(&config, "ours\n") };
        let bootstrap = Bootstrap { programs: Vec::new(), files: vec![file], commands: Vec::new() };
        let paste = || {
            let output = std::process::Command::new("sh").args(["-c", &script(&bootstrap)]).output().expect("sh runs");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).expect("UTF-8")
        };
        let read = |path: &str| std::fs::read_to_string(path).ok();
        assert_eq!((paste(), read(&config), read(&kept)), (String::new(), Some("ours\n".to_owned()), None));
        std::fs::write(&config, "theirs\n").expect("a file");
        assert_eq!(paste(), format!("What was in {config} is kept as {kept}.\n"));
        assert_eq!((read(&config), read(&kept)), (Some("ours\n".to_owned()), Some("theirs\n".to_owned())));
        assert_eq!((paste(), read(&kept)), (String::new(), Some("theirs\n".to_owned())), "once");
        std::fs::remove_dir_all(&folder).expect("it was made here");
    }

    #[test]
    fn programs_are_looked_for_before_anything_is_changed() {
        let program = BootstrapProgram {
            path: "/usr/bin/alloy".to_owned(),
            name: "Alloy".to_owned(),
            source: "https://example.com/it's".to_owned(),
        };
        let bootstrap = Bootstrap { programs: vec![program], files: vec![file("/x", "")], commands: Vec::new() };
        let script = script(&bootstrap);
        let expected = r"[ -x /usr/bin/alloy ] || { missing=1; echo '/usr/bin/alloy is missing: install Alloy from https://example.com/it'\''s and paste this again. Nothing was changed.' >&2; }";
        assert!(script.contains(expected), "{script}");
        let stop = script.find("|| exit 1").expect("an end without programs");
        assert!(stop < script.find("install -m").expect("a file"), "{script}");
    }
}
