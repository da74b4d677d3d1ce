//! Files that hold secrets of a host, of its collector or of this server: their lines are no logs.

use super::glob::Glob;

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
    let pattern = Glob::new(pattern);
    SECRETS.iter().copied().find(|(file, _)| pattern.matches(file))
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
            assert!(secrets_read_by(secret).is_some(), "{secret}");
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
            assert_eq!(secrets_read_by(logs), None, "{logs}");
        }
    }
}
