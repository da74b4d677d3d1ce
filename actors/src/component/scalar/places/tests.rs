use super::*;

#[test]
fn places_can_be_read() {
    for (pattern, _) in [SECRETS, KEPT_KEYS, OWN_STATE, WINDOWS_SECRETS, SYSTEM, WINDOWS_SYSTEM].concat() {
        assert!(glob::read(pattern).is_ok_and(|globs| !globs.is_empty()), "{pattern}: {:?}", glob::read(pattern));
    }
    for names in [&KEY_NAMES, &HOST_FOLDERS, &MOUNT_FOLDERS, &LOG_NAME] {
        assert!(!names.is_empty());
    }
}

#[test]
fn patterns_that_would_read_secrets_are_refused() {
    for secret in [
        "/etc/shadow",
        "/etc/shadow-",
        "/etc/./shadow",
        "/etc//shadow",
        "/var/../etc/shadow",
        "/etc/\\./shadow",
        "/etc/{.,x}/shadow",
        "/etc/[s*]hadow",
        "/etc/[^a]hadow",
        "/etc/*",
        "/**",
        "/*/*",
        "/etc/**/*",
        "/etc/{passwd,shadow}",
        "/etc/[r-t]hadow",
        "/etc/sh?dow",
        "/etc/shadow/**",
        "/{etc/shadow,var/log/x}",
        "/etc/sudoers.d/app",
        "/etc/default/app",
        "/proc/self/root/etc/shadow",
        "/proc/self/environ",
        "/proc/2/environ",
        "/proc/1/task/1/environ",
        "/proc/*/environ",
        "/pro?/self/environ",
        "/proc/self/root/var/log/x.log",
        "/dev/log",
        "/sys/kernel/x",
        "/etc/opampsupervisor//token.env",
        "/etc/opampsupervisor/token.env",
        "/etc/alloy/./config.alloy",
        "/etc/alloy/*.token",
        "/etc/alloy/linkmesh\\.token",
        "/var/lib/otelcol/supervisor/./effective.yaml",
        "/var/lib/otelcol/supervisor/effective.yaml",
        "/var/lib/linkmesh/*.key",
        "/root/.ssh/id_rsa",
        "/root/.ssh/*",
        "/root/app.log",
        "/home/alice/.ssh/*",
        "/home/*/.ssh/id_*",
        "/home/*/*/id_rsa",
        "/home/**",
        "/home/alice/.aws/credentials",
        "/home/alice/.config/gcloud/x.db",
        "/srv/git/.ssh/config",
        "/srv/git/.s*/config",
        "/srv/git/*/id_rsa",
        "/srv/**/*.pem",
        "/srv/app/tls/server.ke[y]",
        "/opt/app/.env",
        "/run/secrets/db_password",
        "/run/secrets/*",
        "/var/run/secrets/**",
        "/etc/ssl/private/server.key",
        "/etc/kubernetes/admin.conf",
        "/var/lib/docker/containers/*/*",
        "/hostfs/etc/shadow",
        "/host/root/.bashrc",
        "/host?s/etc/shadow",
        "C:/../../etc/shadow",
        "C:\\Users\\alice\\.SSH\\id_rsa",
        "D:/Windows/System32/config/SAM",
        "*:/etc/shadow",
        "/var/lib/private/linkmesh/secret.key.log",
        "/var/lib/private/otelcol-contrib/x",
        "/var/lib/otelcol-contrib/queue/x",
        "/var/backups/shadow.bak",
        "/var/backups/gshadow*",
        "/var/backups/passwd.bak",
        "/etc/master.passwd",
        "/etc/ipsec.secrets",
        "/etc/samba/smbpasswd",
        "/var/lib/samba/private/passdb.tdb",
        "/etc/gitlab/gitlab-secrets.json",
        "/var/lib/cloud/instance/user-data.txt",
        "/var/lib/cloud/instances/i-0/user-data.txt.i",
        "/var/lib/sss/secrets/secrets.ldb",
        "/tmp/krb5cc_0",
        "/tmp/krb5cc_*",
        "/home/u/.local/share/keyrings/login.keyring",
        "/srv/u/.config/rclone/rclone.conf",
        "/host/rootfs/etc/shadow",
        "/host/host/host/etc/shadow",
        "/mnt/host/etc/shadow",
        "/mnt/host/rootfs/etc/shadow",
        "/rootfs/etc/shadow",
        "/hostfs/rootfs/root/x",
        "/Windows/System32/config/SAM",
        "/ProgramData/linkmesh/x",
        "C:\\Windows\\System32.\\config\\SAM",
        "C:\\Windows \\System32\\config\\SAM",
        "C:\\{Windows.,logs}\\x.log",
        "C:\\WINDOW~1\\System32\\config\\SAM",
        "C:\\PROGRA~3\\opampsupervisor\\x",
        "C:\\logs\\a~?\\x.log",
        "C:\\Windows::$INDEX_ALLOCATION\\System32\\config\\SAM",
        "C:\\ProgramData\\opampsupervisor\\effective.yaml",
    ] {
        assert!(may_be_read(secret).is_err(), "{secret}");
    }
}

#[test]
fn patterns_of_logs_pass() {
    for logs in [
        "/var/log/**/*.log",
        "/var/log/**",
        "/var/log/**/*",
        "/var/log/*",
        "/var/log/*/*",
        "/var/log/syslog*",
        "/var/log/{messages,secure,auth.log}",
        "/var/log/pods/*/*/*.log",
        "/var/log/containers/*.log",
        "/var/lib/docker/containers/*/*-json.log",
        "/var/lib/kubelet/pods/*/volumes/kubernetes.io~empty-dir/logs/*",
        "/var/lib/mysql/*.err",
        "/var/lib/pgsql/*/data/log/*",
        "/etc/nginx/*.conf",
        "/etc/[^s]hadow.log",
        "/home/*/logs/*.log",
        "/home/*/app/logs/*.log",
        "/home/*/*/logs/*",
        "/home/app/**/*.log",
        "/home/app/.pm2/logs/*.log",
        "/opt/app/**/*.log",
        "/opt/app/**",
        "/opt/*/*/current",
        "/srv/{a,b}/log",
        "/data/*/*.json",
        "/usr/local/app/logs/*.log*",
        "/tmp/*",
        "/mnt/*/log/*.log",
        "/mnt/host/var/log/**/*.log",
        "/var/lib/cloud/instance/boot-finished",
        "/hostfs/var/log/**/*.log",
        "/**/*.log",
        "/*/*.log",
        "C:\\logs\\*.log",
        "C:\\inetpub\\logs\\**\\*.log",
        "C:/ProgramData/app/**/*.log",
        "C:\\Users\\*\\AppData\\Local\\app\\*.log",
        "C:\\logs\\app~old\\*.log",
    ] {
        assert_eq!(may_be_read(logs), Ok(()), "{logs}");
    }
}

#[test]
fn files_of_the_system_and_secrets_are_not_written_over() {
    for system in [
        "/etc/cron.d/x",
        "/etc/x/y.json",
        "/usr/bin/x",
        "/usr/local/lib/x",
        "/bin/sh",
        "/boot/grub/grub.cfg",
        "/lib/systemd/system/x.service",
        "/lib64/x",
        "/root/.ssh/authorized_keys",
        "/home/alice/.bashrc",
        "/home/alice/.ssh/authorized_keys",
        "/srv/git/.ssh/authorized_keys",
        "/var/spool/cron/crontabs/root",
        "/run/systemd/system/x.service",
        "/proc/sys/kernel/core_pattern",
        "/dev/sda",
        "/var/lib/otelcol/supervisor/effective.yaml",
        "/var/log/../../etc/cron.d/x",
        "/etc//cron.d/x",
        "/host/etc/cron.d/x",
        "C:\\Windows\\System32\\x.dll",
        "C:/Program Files (x86)/x/y.exe",
    ] {
        assert!(may_be_written(system).is_err(), "{system}");
    }
    for file in [
        "/var/lib/telemetry/out.json",
        "/var/log/app/out.log",
        "/data/out.json",
        "/home/app/out/x.json",
        "/opt/app/out.json",
        "/tmp/out.json",
        "C:\\telemetry\\out.json",
    ] {
        assert_eq!(may_be_written(file), Ok(()), "{file}");
    }
}

#[test]
fn patterns_without_a_folder_are_known() {
    assert!(is_everywhere("/**/*.log") && is_everywhere("/{*,var}/x.log"));
    assert!(!is_everywhere("/var/**/*.log") && !is_everywhere("/v*/x.log"));
}

#[test]
fn files_of_tls_lie_beside_secrets() {
    for file in [
        "/etc/ssl/private/server.key",
        "/etc/otelcol/ca.pem",
        "/etc/linkmesh/tls/ca.crt",
        "/etc/letsencrypt/live/h/privkey.pem",
        "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
        "/data/{a",
        "certs/ca.pem",
        "C:\\certs\\ca.pem",
    ] {
        assert_eq!(may_be_used(file), Ok(()), "{file}");
    }
    for file in [
        "/etc/shadow",
        "etc/shadow",
        "/programdata/LinkMesh/secret.key",
        "../../etc/./shadow",
        "/etc/opampsupervisor/client.key",
        "/var/lib/linkmesh/secret.key",
        "/host/etc/shadow",
        "/root/{x",
        "\\\\?\\C:\\Windows\\System32\\config\\SAM",
        "C:\\Windows\\x\\..\\System32\\config\\SAM",
    ] {
        assert!(may_be_used(file).is_err(), "{file}");
    }
}

#[test]
fn folders_are_looked_into_unless_they_keep_secrets() {
    for folder in ["/var/log/journal", "/var/lib/otelcol/queue", "/var/lib/otelcol-contrib", "/", "/etc/ssl", "./wal"] {
        assert_eq!(may_be_looked_into(folder), Ok(()), "{folder}");
    }
    for folder in
        ["/root", "/etc/opampsupervisor/", "/var/lib/otelcol/supervisor", "/var/lib/../lib/linkmesh", "proc/1"]
    {
        assert!(may_be_looked_into(folder).is_err(), "{folder}");
    }
    assert!(may_be_filled("/etc/cron.d").is_err() && may_be_filled("/usr/local/bin").is_err());
    assert_eq!(may_be_filled("/var/lib/otelcol/wal"), Ok(()));
}

#[test]
fn paths_of_urls_are_not_taken_for_files() {
    for path in ["/metrics", "/metrics/", "/", "/v1//traces", "/api/{id}/x", "file_storage/queue", "$.store[*]"] {
        assert_eq!(may_be_opened(path), Ok(()), "{path}");
    }
    for path in ["/etc/shadow", "/etc//shadow", "/var/../etc/shadow", "etc/shadow", "/etc/{shadow,x}", "/srv/id_rsa"] {
        assert!(may_be_opened(path).is_err(), "{path}");
    }
}
