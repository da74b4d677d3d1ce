//! Files that hold secrets of a host, of its collector or of this server: their lines are no logs.

use linkmesh_ottl::regex::Pattern;

/// A file of each place that keeps secrets, and what it is. Whether a pattern would read it, is asked of these.
const SECRETS: &[(&str, &str)] = &[
    ("/etc/shadow", "passwords of the host"),
    ("/etc/gshadow", "passwords of the host"),
    ("/etc/opampsupervisor/token.env", "the collector's own token"),
    ("/etc/opampsupervisor/supervisor.yaml", "the collector's own credentials"),
    ("/etc/alloy/linkmesh.token", "the collector's own token"),
    ("/etc/alloy/config.alloy", "the collector's own credentials"),
    ("/var/lib/alloy/data/remotecfg/0", "the config of the collector, secrets in the clear"),
    ("/var/lib/otelcol/supervisor/effective.yaml", "the config of the collector, secrets in the clear"),
    ("/var/lib/otelcol/linkmesh/receiver_filelog", "the collector's own state"),
    ("/var/lib/linkmesh/secret.key", "the secret of a LinkMesh server"),
    ("/root/.ssh/id_ed25519", "keys"),
    ("/home/user/.ssh/id_ed25519", "keys"),
    ("/etc/ssl/private/host.key", "keys"),
    ("/etc/pki/tls/private/host.key", "keys"),
    ("/proc/1/environ", "the environment of processes"),
    ("/run/secrets/token", "secrets that were given to a container"),
    ("/var/run/secrets/kubernetes.io/serviceaccount/token", "the token of a service account"),
];

/// What a pattern of file names would read that is secret: a file and what it is.
#[must_use]
pub fn secrets_read_by(pattern: &str) -> Option<(&'static str, &'static str)> {
    let found = Pattern::new(&regex_of(pattern)).ok()?;
    SECRETS.iter().copied().find(|(file, _)| found.is_match(file))
}

/// The same as a regular expression: `*` stays in a folder, `**` does not (doublestar, which the receiver uses).
fn regex_of(pattern: &str) -> String {
    let mut regex = String::from("^");
    let mut chars = pattern.chars().peekable();
    let mut alternatives = 0_usize;
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.next_if_eq(&'*').is_some() => {
                // `**/` is no folder as well.
                match chars.next_if_eq(&'/') {
                    Some(_) => regex.push_str("(?:.*/)?"),
                    None => regex.push_str(".*"),
                }
            }
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
    fn patterns_that_would_read_secrets_are_known() {
        for secret in [
            "/etc/shadow",
            "/etc/*",
            "/**",
            "/etc/**/*",
            "/etc/{passwd,shadow}",
            "/etc/[r-t]hadow",
            "/etc/sh?dow",
            "/etc/alloy/*.token",
            "/root/.ssh/*",
            "/home/*/.ssh/id_*",
            "/proc/*/environ",
            "/run/secrets/*",
            "/var/lib/linkmesh/*.key",
            "/var/run/secrets/**",
            "/etc/alloy/linkmesh\\.token",
        ] {
            assert!(secrets_read_by(secret).is_some(), "{secret}: {}", regex_of(secret));
        }
        for logs in [
            "/var/log/**/*.log",
            "/var/log/*",
            "/etc/nginx/*.conf",
            "/home/*/logs/*.log",
            "/srv/{a,b}/log",
            "/etc/[^s]hadow.log",
            "/var/lib/docker/containers/*/*-json.log",
            "C:\\logs\\*.log",
        ] {
            assert_eq!(secrets_read_by(logs), None, "{logs}: {}", regex_of(logs));
        }
    }
}
