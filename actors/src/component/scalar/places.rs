//! Files that hold secrets of a host, of its collector or of this server, and files that a host is run by: the lines of
//! the first are no logs, and nothing is written over the others.

use std::sync::LazyLock;

use super::glob::{self, Glob, Part};

#[cfg(test)]
mod tests;

/// Patterns of files that keep secrets, and what they are. What begins with `/**/` may lie anywhere.
const SECRETS: &[(&str, &str)] = &[
    ("/etc/{shadow,gshadow,sudoers}*", "passwords and rights of the host"),
    ("/etc/sudoers.d/**/*", "rights of the host"),
    ("/etc/security/opasswd", "passwords of the host"),
    ("/etc/{environment,krb5.keytab}", "credentials of the host"),
    ("/etc/{default,sysconfig}/**/*", "the environment of services"),
    ("/etc/ssh/ssh_host_*", "keys of the host"),
    ("/etc/{ssl,pki/tls}/private/**/*", "keys"),
    ("/etc/letsencrypt/{accounts,archive,keys,live}/**/*", "keys"),
    ("/etc/{wireguard,openvpn}/**/*", "keys"),
    ("/etc/NetworkManager/system-connections/**/*", "passwords of networks"),
    ("/etc/ppp/*-secrets", "passwords of networks"),
    ("/etc/mysql/debian.cnf", "a password of a database"),
    ("/etc/{kubernetes,rancher}/**/*", "credentials of a cluster"),
    ("/var/lib/{etcd,rancher/k3s/server,kubelet/pki}/**/*", "credentials of a cluster"),
    ("/var/lib/kubelet/pods/*/volumes/kubernetes.io~{secret,projected}/**/*", "secrets that were given to a container"),
    ("/var/lib/docker/containers/*/config*.json", "the environment of containers"),
    ("/var/lib/docker/swarm/**/*", "credentials of a cluster"),
    ("/etc/opampsupervisor/**/*", "the collector's own credentials"),
    ("/etc/{alloy,otelcol,otelcol-contrib}/**/*", "the collector's own credentials"),
    ("/var/lib/{opampsupervisor,alloy,otelcol}/**/*", "the collector's own state, with its secrets"),
    ("/{etc,var/lib}/linkmesh/**/*", "the secrets of a LinkMesh server"),
    ("/root/**/*", "files of the host's administrator"),
    ("/{proc,sys,dev}/**/*", "what the kernel shows, as the environment of processes"),
    ("/{var/run,run}/secrets/**/*", "secrets that were given to a container"),
    ("/{var/run,run}/{credentials,user}/**/*", "secrets that were given to services or sessions"),
    ("/{home,Users}/*/.{ssh,aws,kube,gnupg,docker,azure,config/gcloud}/**/*", "keys and credentials of a person"),
    (
        "/{home,Users}/*/.{netrc,pgpass,git-credentials,my.cnf,npmrc,pypirc,*_history}",
        "passwords of a person, and commands with them",
    ),
    ("/**/.{ssh,aws,kube,gnupg,docker,azure,config/gcloud}/**/*", "keys and credentials"),
    ("/**/.{netrc,pgpass,git-credentials,my.cnf,npmrc,pypirc,htpasswd,env}", "passwords"),
    ("/**/{secrets,kubernetes.io/serviceaccount}/token", "the token of a service account"),
];

/// Names of files that hold keys wherever they lie. A pattern counts when no log could have the name it asks for.
const KEYS: &[&str] = &[
    "/id_{rsa,dsa,ecdsa,ed25519}",
    "/authorized_keys{,2}",
    "/*.{key,pem,p12,pfx,jks,keystore,keytab,kdbx,ppk}",
    "/*kubeconfig",
];

/// The same on Windows, in lower case, below any drive.
const WINDOWS_SECRETS: &[(&str, &str)] = &[
    ("/windows/{system32/config,ntds}/**/*", "passwords of the host"),
    ("/users/*/.{ssh,aws,kube,gnupg,docker,azure}/**/*", "keys and credentials of a person"),
    ("/users/*/appdata/*/{microsoft/{credentials,protect,vault},gcloud}/**/*", "credentials of a person"),
    ("/programdata/{ssh,linkmesh}/**/*", "keys of the host"),
    ("/programdata/microsoft/crypto/**/*", "keys of the host"),
    ("/**/.{ssh,aws,kube,gnupg,docker,azure}/**/*", "keys and credentials"),
];

/// Patterns of files that a host is run by.
const SYSTEM: &[(&str, &str)] = &[
    ("/{etc,boot,bin,sbin,lib,lib32,lib64,libx32,usr}/**/*", "files of the system"),
    ("/var/spool/cron/**/*", "what the host runs by the clock"),
    ("/{var/run,run}/{systemd,udev}/**/*", "files of the system"),
    ("/var/lib/{dpkg,rpm,systemd,kubelet,docker,containerd}/**/*", "files of the system"),
    ("/{home,Users}/*/.*/**", "settings of a person"),
    ("/{System,Library}/**/*", "files of the system"),
    ("/**/{id_{rsa,dsa,ecdsa,ed25519},authorized_keys*}", "keys"),
];

/// The same on Windows, in lower case, below any drive.
const WINDOWS_SYSTEM: &[(&str, &str)] = &[
    ("/{windows,boot,program files*}/**/*", "files of the system"),
    ("/programdata/microsoft/windows/**/*", "files of the system"),
    ("/users/*/appdata/*/microsoft/windows/**/*", "files of the system"),
];

/// Folders where a container finds the file system of its host.
const HOST: &str = "/{host,hostfs,host-root,host_root,rootfs,private}";

/// The ends of names that logs have and secrets do not; beside `.log`, which may stand anywhere.
const LOG_ENDINGS: &[&str] = &[".out", ".err"];

/// A place: its pattern, alternatives written out, and what is there.
struct Place {
    glob: Vec<Part>,
    is_anywhere: bool,
    pattern: &'static str,
    what: &'static str,
}

/// What is known of one kind of host.
struct Places {
    secrets: Vec<Place>,
    system: Vec<Place>,
}

static UNIX: LazyLock<Places> = LazyLock::new(|| Places { secrets: places(SECRETS), system: places(SYSTEM) });
static WINDOWS: LazyLock<Places> =
    LazyLock::new(|| Places { secrets: places(WINDOWS_SECRETS), system: places(WINDOWS_SYSTEM) });
static KEY_NAMES: LazyLock<Vec<Part>> = LazyLock::new(|| names(KEYS));
static HOST_FOLDERS: LazyLock<Vec<Part>> = LazyLock::new(|| names(&[HOST]));
static LOG_NAME: LazyLock<Vec<Part>> = LazyLock::new(|| names(&["/*.log"]));

fn places(known: &'static [(&str, &str)]) -> Vec<Place> {
    let of = |(pattern, what): &(&'static str, &'static str)| {
        let (pattern, what) = (*pattern, *what);
        let globs = known_globs(pattern).into_iter();
        globs.map(move |glob| {
            let glob = glob.parts().to_vec();
            Place { is_anywhere: glob.first() == Some(&Part::Folders), glob, pattern, what }
        })
    };
    known.iter().flat_map(of).collect()
}

fn names(known: &[&str]) -> Vec<Part> {
    known.iter().flat_map(|pattern| known_globs(pattern)).filter_map(|glob| glob.parts().first().cloned()).collect()
}

/// Patterns of this file can be read; a test reads them all.
fn known_globs(pattern: &str) -> Vec<Glob> {
    glob::read(pattern).unwrap_or_default()
}

/// Whether the files of a pattern may be read as logs.
///
/// A pattern is refused when it has a file in common with a place of secrets, with two exceptions, without which the
/// everyday ones would fail. Places that may lie anywhere (`.ssh`) count when the pattern names them: a `*` alone and
/// `**` do not, as in a shell, which hides such names. And so it is with all places when every file is a log by its name
/// or folder: `/**/*.log` would find what lies in `/root`, but asks for logs.
///
/// # Errors
/// Why not, for a person.
pub fn may_be_read(pattern: &str) -> Result<(), String> {
    for glob in glob::read(pattern)? {
        let parts = glob.parts();
        let is_log = is_log(parts);
        for parts in below_host(parts) {
            let found = of_host(pattern).secrets.iter().find(|place| meets(parts, place, place.is_anywhere || is_log));
            if let Some(Place { pattern, what, .. }) = found {
                return Err(format!("would read {pattern}: {what}"));
            }
        }
        let last = parts.last().filter(|last| **last != Part::Folders);
        if last.is_some_and(|last| is_of(last, &KEY_NAMES) && !is_of(last, &LOG_NAME)) {
            return Err("would read keys".to_owned());
        }
    }
    Ok(())
}

/// Whether a file may be written.
///
/// # Errors
/// Why not, for a person.
pub fn may_be_written(file: &str) -> Result<(), String> {
    for glob in glob::read(file)? {
        for parts in below_host(glob.parts()) {
            let Places { secrets, system } = of_host(file);
            let found = secrets.iter().chain(system).find(|place| meets(parts, place, place.is_anywhere));
            if let Some(Place { pattern, what, .. }) = found {
                return Err(format!("would be written over {pattern}: {what}"));
            }
        }
    }
    Ok(())
}

/// Whether a pattern looks into every folder of the host.
#[must_use]
pub fn is_everywhere(pattern: &str) -> bool {
    glob::read(pattern).is_ok_and(|globs| globs.iter().any(|glob| glob.parts().first().is_some_and(Part::is_any)))
}

fn of_host(pattern: &str) -> &'static Places {
    if pattern.starts_with('/') { &UNIX } else { &WINDOWS }
}

/// The parts, and those below a folder where the host's own may be found.
fn below_host(parts: &[Part]) -> impl Iterator<Item = &[Part]> {
    let below = parts.split_first().filter(|(first, _)| !first.is_any() && is_of(first, &HOST_FOLDERS));
    [Some(parts), below.map(|(_, rest)| rest)].into_iter().flatten()
}

/// Whether a pattern has a file of a place; `named`: only when it names it.
fn meets(parts: &[Part], place: &Place, named: bool) -> bool {
    Glob::meet(parts, &place.glob, |part, of_place| {
        if named && part.is_any() && !of_place.is_any() { false } else { part.meets(of_place) }
    })
}

fn is_of(part: &Part, names: &[Part]) -> bool {
    names.iter().any(|name| part.meets(name))
}

/// Whether every file is a log by the end of its name, or lies in a folder of logs.
fn is_log(parts: &[Part]) -> bool {
    let Some((last, folders)) = parts.split_last() else { return false };
    let is_folder = |part: &Part| matches!(part.literal().as_deref(), Some("log" | "logs"));
    let name = last.known();
    name.contains(".log") || LOG_ENDINGS.iter().any(|end| name.ends_with(end)) || folders.iter().any(is_folder)
}
