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
    ("/etc/{security/opasswd,master.passwd}", "passwords of the host"),
    ("/var/backups/{shadow,gshadow,passwd,opasswd,master.passwd}*", "passwords of the host"),
    ("/etc/environment", "credentials of the host"),
    ("/etc/{default,sysconfig}/**/*", "the environment of services"),
    ("/etc/ssh/ssh_host_*", "keys of the host"),
    ("/etc/{wireguard,openvpn}/**/*", "keys"),
    ("/etc/{ipsec.secrets,ipsec.d/private/**/*}", "passwords of networks"),
    ("/etc/NetworkManager/system-connections/**/*", "passwords of networks"),
    ("/etc/ppp/*-secrets", "passwords of networks"),
    ("/etc/samba/smbpasswd", "passwords of the host"),
    ("/var/lib/{samba/private,sss/secrets}/**/*", "passwords of the host"),
    ("/etc/mysql/debian.cnf", "a password of a database"),
    ("/etc/gitlab/gitlab-secrets.json", "keys of a GitLab server"),
    ("/var/lib/cloud/instance*/**/user-data*", "what the host was set up with, as passwords"),
    ("/var/lib/{etcd,rancher/k3s/server,kubelet/pki}/**/*", "credentials of a cluster"),
    ("/var/lib/kubelet/pods/*/volumes/kubernetes.io~{secret,projected}/**/*", "secrets that were given to a container"),
    ("/var/lib/docker/containers/*/config*.json", "the environment of containers"),
    ("/var/lib/docker/swarm/**/*", "credentials of a cluster"),
    ("/etc/opampsupervisor/**/*", "the collector's own credentials"),
    ("/var/lib/{,private/}{opampsupervisor,alloy}/**/*", "the collector's own state, with its secrets"),
    ("/var/lib/{,private/}otelcol*/supervisor/**/*", "the collector's own state, with its secrets"),
    ("/var/lib/{,private/}linkmesh/**/*", "the secrets of a LinkMesh server"),
    ("/root/**/*", "files of the host's administrator"),
    ("/{proc,sys,dev}/**/*", "what the kernel shows, as the environment of processes"),
    ("/{var/run,run}/{credentials,user}/**/*", "secrets that were given to services or sessions"),
    (
        "/{home,Users}/*/.{ssh,aws,kube,gnupg,docker,azure,config/{gcloud,rclone},local/share/keyrings}/**/*",
        "keys and credentials of a person",
    ),
    (
        "/{home,Users}/*/.{netrc,pgpass,git-credentials,my.cnf,npmrc,pypirc,*_history}",
        "passwords of a person, and commands with them",
    ),
    ("/**/.{ssh,aws,kube,gnupg,docker,azure,config/{gcloud,rclone},local/share/keyrings}/**/*", "keys and credentials"),
    ("/**/.{netrc,pgpass,git-credentials,my.cnf,npmrc,pypirc,htpasswd,env}", "passwords"),
    ("/**/{secrets,kubernetes.io/serviceaccount}/token", "the token of a service account"),
];

/// The same where certificates and keys lie, too: a component may speak TLS with them.
const KEPT_KEYS: &[(&str, &str)] = &[
    ("/etc/{ssl,pki/tls}/private/**/*", "keys"),
    ("/etc/letsencrypt/{accounts,archive,keys,live}/**/*", "keys"),
    ("/etc/krb5.keytab", "credentials of the host"),
    ("/etc/{kubernetes,rancher}/**/*", "credentials of a cluster"),
    ("/etc/{alloy,otelcol,otelcol-contrib}/**/*", "the collector's own credentials"),
    ("/etc/linkmesh/**/*", "the secrets of a LinkMesh server"),
    ("/{var/run,run}/secrets/**/*", "secrets that were given to a container"),
];

/// Where a collector keeps its queues and the places that it has read to.
const OWN_STATE: &[(&str, &str)] =
    &[("/var/lib/{,private/}otelcol*/**/*", "the collector's own state, with its secrets")];

/// Names of files that hold keys wherever they lie. A pattern counts when no log could have the name it asks for.
const KEYS: &[&str] = &[
    "/id_{rsa,dsa,ecdsa,ed25519}",
    "/authorized_keys{,2}",
    "/*.{key,pem,p12,pfx,jks,keystore,keytab,kdbx,ppk}",
    "/*kubeconfig",
];

/// How the names of files begin that hold tickets of Kerberos.
const TICKETS: &str = "krb5cc";

/// The same on Windows, in lower case, below any drive.
const WINDOWS_SECRETS: &[(&str, &str)] = &[
    ("/windows/{system32/config,ntds}/**/*", "passwords of the host"),
    ("/users/*/.{ssh,aws,kube,gnupg,docker,azure}/**/*", "keys and credentials of a person"),
    ("/users/*/appdata/*/{microsoft/{credentials,protect,vault},gcloud}/**/*", "credentials of a person"),
    ("/programdata/ssh/**/*", "keys of the host"),
    ("/programdata/{opampsupervisor,linkmesh}/**/*", "credentials of the collector or of a LinkMesh server"),
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

/// Folders where a container finds the file system of its host, which may stand in one another.
const HOST: &str = "/{host,hostfs,host-root,host_root,rootfs,private}";
/// Folders that have such folders.
const MOUNTS: &str = "/{mnt,media}";

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
    keys: Vec<Place>,
    own_state: Vec<Place>,
    system: Vec<Place>,
}

impl Places {
    /// All that must not be read as logs.
    fn unread(&self) -> impl Iterator<Item = &Place> + Clone {
        self.secrets.iter().chain(&self.keys).chain(&self.own_state)
    }
}

static UNIX: LazyLock<Places> = LazyLock::new(|| Places {
    secrets: places(SECRETS),
    keys: places(KEPT_KEYS),
    own_state: places(OWN_STATE),
    system: places(SYSTEM),
});
static WINDOWS: LazyLock<Places> = LazyLock::new(|| Places {
    secrets: places(WINDOWS_SECRETS),
    keys: Vec::new(),
    own_state: Vec::new(),
    system: places(WINDOWS_SYSTEM),
});
static KEY_NAMES: LazyLock<Vec<Part>> = LazyLock::new(|| names(KEYS));
static HOST_FOLDERS: LazyLock<Vec<Part>> = LazyLock::new(|| names(&[HOST]));
static MOUNT_FOLDERS: LazyLock<Vec<Part>> = LazyLock::new(|| names(&[MOUNTS]));
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

/// The globs of a pattern, none when it cannot be read. Those of this file can, as a test shows.
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
    read(pattern)?.iter().try_for_each(|(parts, places)| may_parts_be_read(parts, places))
}

fn may_parts_be_read(parts: &[Part], places: &Places) -> Result<(), String> {
    let is_log = is_log(parts);
    if let Some(found) = find(parts, &places.unread(), is_log) {
        return Err(found.would("read"));
    }
    let last = parts.last().filter(|last| **last != Part::Folders);
    if last.is_some_and(|last| is_of(last, &KEY_NAMES) && !is_of(last, &LOG_NAME)) {
        return Err("would read keys".to_owned());
    }
    if last.is_some_and(|last| last.known().starts_with(TICKETS)) {
        return Err("would read tickets of a person".to_owned());
    }
    Ok(())
}

/// Whether a file may be written.
///
/// # Errors
/// Why not, for a person.
pub fn may_be_written(file: &str) -> Result<(), String> {
    none_of(&read(file)?, "be written over", |places| places.unread().chain(&places.system))
}

/// Whether a component may be given a file of certificates or of a key to speak TLS with, which it sends nowhere.
///
/// # Errors
/// Why not, for a person.
pub fn may_be_used(file: &str) -> Result<(), String> {
    none_of(&named_file(file)?, "read", |places| places.secrets.iter())
}

/// Whether a component may look for files in a folder, or keep its state there.
///
/// # Errors
/// Why not, for a person.
pub fn may_be_looked_into(folder: &str) -> Result<(), String> {
    none_of(&within(named_file(folder)?), "read", |places| places.secrets.iter().chain(&places.keys))
}

/// Whether a component may write files into a folder.
///
/// # Errors
/// Why not, for a person.
pub fn may_be_filled(folder: &str) -> Result<(), String> {
    let known = |places: &'static Places| places.secrets.iter().chain(&places.keys).chain(&places.system);
    none_of(&within(named_file(folder)?), "be written over", known)
}

/// Whether a component may be given what can be the path of a file as well as that of a URL.
///
/// # Errors
/// Why not, for a person.
pub fn may_be_opened(path: &str) -> Result<(), String> {
    named_file(path)?.iter().try_for_each(|(parts, places)| may_parts_be_read(parts, places))
}

/// What a path may mean, and the places of the host that it is for.
type Meant = (Vec<Part>, &'static Places);

fn none_of<I: Iterator<Item = &'static Place> + Clone>(
    meant: &[Meant],
    verb: &str,
    known: impl Fn(&'static Places) -> I,
) -> Result<(), String> {
    let found = meant.iter().find_map(|(parts, places)| find(parts, &known(places), false));
    found.map_or(Ok(()), |found| Err(found.would(verb)))
}

impl Place {
    fn would(&self, verb: &str) -> String {
        format!("would {verb} {}: {}", self.pattern, self.what)
    }
}

/// A pattern, its alternatives written out.
fn read(pattern: &str) -> Result<Vec<Meant>, String> {
    let globs = glob::read(pattern)?;
    globs.iter().try_for_each(|glob| has_one_name(pattern, glob.parts()))?;
    Ok(meant(pattern, &globs).chain(on_windows(pattern)).collect())
}

fn meant(pattern: &str, globs: &[Glob]) -> impl Iterator<Item = Meant> {
    let places = if pattern.starts_with('/') { &*UNIX } else { &*WINDOWS };
    globs.iter().map(move |glob| (glob.parts().to_vec(), places))
}

/// What a pattern without a drive is to a collector on Windows: one on the drive where it runs.
fn on_windows(pattern: &str) -> Vec<Meant> {
    let on_drive = format!("c:{pattern}");
    let globs = if pattern.starts_with('/') { known_globs(&on_drive) } else { Vec::new() };
    meant(&on_drive, &globs).collect()
}

/// A path that is cleaned before it is opened: as a pattern, where it can be read as one, and as the very name.
fn named_file(path: &str) -> Result<Vec<Meant>, String> {
    let path = cleaned(path)?;
    let literal = glob::literal(&path).unwrap_or_default();
    has_one_name(&path, &literal)?;
    let places = if path.starts_with('/') { &*UNIX } else { &*WINDOWS };
    Ok(meant(&path, &known_globs(&path)).chain(on_windows(&path)).chain([(literal, places)]).collect())
}

/// Folders, and something that lies there.
fn within(mut folders: Vec<Meant>) -> Vec<Meant> {
    let inside = names(&["/0"]);
    let below: Vec<Meant> = folders.iter().map(|(parts, places)| ([&parts[..], &inside].concat(), *places)).collect();
    folders.extend(below);
    folders
}

/// A path as the system opens it. What is not absolute is below the folder in which the collector was started, which is
/// the root of its host.
fn cleaned(path: &str) -> Result<String, String> {
    if path.starts_with('\\') {
        return Err("must be an absolute path".to_owned());
    }
    let is_windows = path.as_bytes().get(1) == Some(&b':') && path.starts_with(|c: char| c.is_ascii_alphabetic());
    let (drive, rest) = if is_windows { path.split_at_checked(2).unwrap_or(("", path)) } else { ("", path) };
    let mut parts = Vec::new();
    for part in rest.split(|c| c == '/' || is_windows && c == '\\') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    Ok(format!("{drive}/{}", parts.join("/")))
}

/// On Windows a name may be written in more than one way: with a dot or blanks behind it, in eight characters, and as a
/// stream of itself.
fn has_one_name(path: &str, parts: &[Part]) -> Result<(), String> {
    if path.starts_with('/') {
        return Ok(());
    }
    for name in parts.iter().map(Part::known) {
        if name.ends_with(['.', ' ']) || name.contains(':') {
            return Err("must not hold a part that ends in a dot or a space, or has a `:`".to_owned());
        }
        let mut after_tilde = name.split('~').skip(1);
        if after_tilde.any(|after| after.starts_with(|c: char| c.is_ascii_digit() || c == '\0')) {
            return Err("must not hold a short name, with `~` and a digit".to_owned());
        }
    }
    Ok(())
}

/// Whether a pattern looks into every folder of the host.
#[must_use]
pub fn is_everywhere(pattern: &str) -> bool {
    glob::read(pattern).is_ok_and(|globs| globs.iter().any(|glob| glob.parts().first().is_some_and(Part::is_any)))
}

/// The first place with which parts have a file in common, on this host or where its container finds that of another.
/// `named`: only where the parts name it.
fn find<'p>(parts: &[Part], places: &(impl Iterator<Item = &'p Place> + Clone), named: bool) -> Option<&'p Place> {
    below_host(parts).find_map(|parts| places.clone().find(|place| meets(parts, place, place.is_anywhere || named)))
}

/// The parts, and those below folders where the host's own may be found.
fn below_host(parts: &[Part]) -> impl Iterator<Item = &[Part]> {
    let names = |part: &Part, names: &[Part]| !part.is_any() && is_of(part, names);
    std::iter::successors(Some(parts), move |parts| match parts {
        [first, rest @ ..] if names(first, &HOST_FOLDERS) => Some(rest),
        [first, second, rest @ ..] if names(first, &MOUNT_FOLDERS) && names(second, &HOST_FOLDERS) => Some(rest),
        _ => None,
    })
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
