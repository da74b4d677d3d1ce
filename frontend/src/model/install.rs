//! One script that puts a collector's files on a host and runs its commands.

use std::fmt::Write as _;

use linkmesh_proto::api::collector::Bootstrap;

/// A script for a root shell: writes each file with its permissions, then runs the commands.
///
/// The end marks of the texts are chosen so that no line of a file can end it early.
#[must_use]
pub fn script(bootstrap: &Bootstrap) -> String {
    let mut out = String::from("set -eu\n");
    let mut made = Vec::new();
    for file in &bootstrap.files {
        let mark = end_mark(&file.content);
        let path = quoted(&file.path);
        let folder = file.path.rsplit_once('/').map(|(folder, _)| folder);
        if let Some(folder) = folder.filter(|folder| !folder.is_empty() && !made.contains(folder)) {
            made.push(folder);
            // Writing into a string cannot fail.
            _ = writeln!(out, "mkdir -p {}", quoted(folder));
        }
        let newline = if file.content.is_empty() || file.content.ends_with('\n') { "" } else { "\n" };
        _ = writeln!(
            out,
            "install -m {} /dev/stdin {path} <<'{mark}'\n{}{newline}{mark}",
            quoted(&file.mode),
            file.content
        );
    }
    for command in &bootstrap.commands {
        _ = writeln!(out, "{command}");
    }
    out
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
    use linkmesh_proto::api::collector::BootstrapFile;

    use super::*;

    fn file(path: &str, content: &str) -> BootstrapFile {
        BootstrapFile { path: path.to_owned(), mode: "0600".to_owned(), content: content.to_owned() }
    }

    #[test]
    fn files_are_written_before_the_commands_run() {
        let bootstrap = Bootstrap {
            files: vec![file("/etc/linkmesh/token", "lmct_x"), file("/etc/linkmesh/config", "a: 1\n")],
            commands: vec!["systemctl restart alloy".to_owned()],
        };
        let expected = "set -eu\nmkdir -p /etc/linkmesh\ninstall -m 0600 /dev/stdin /etc/linkmesh/token <<'LINKMESH'\n\
            lmct_x\nLINKMESH\ninstall -m 0600 /dev/stdin /etc/linkmesh/config <<'LINKMESH'\na: 1\nLINKMESH\nsystemctl \
            restart alloy\n";
        assert_eq!(script(&bootstrap), expected);
    }

    #[test]
    fn no_line_of_a_file_ends_its_text_early() {
        let bootstrap = Bootstrap { files: vec![file("/a b", "LINKMESH\nLINKMESH_\n")], commands: Vec::new() };
        assert_eq!(
            script(&bootstrap),
            "set -eu\ninstall -m 0600 /dev/stdin '/a b' <<'LINKMESH__'\nLINKMESH\nLINKMESH_\nLINKMESH__\n"
        );
    }
}
