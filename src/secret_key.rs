//! The server secret, and the sealing of values with it.
//!
//! Passwords and tokens of destinations are sealed with XChaCha20-Poly1305 before they enter the config repository, and
//! opened only in rendered text. `secret.key` in the data directory holds the keys: the first seals, all of them open,
//! so that a new key can be put in front while what the old one sealed stays readable.
//!
//! The file is text, so that a person can see what it is and move it safely:
//!
//! ```text
//! # The secret of this LinkMesh server. ...
//! linkmesh-secret-key 1
//! 5f0c9a1e <32 bytes in base64>
//! ```
//!
//! A sealed value is `lms1.<key id>.<base64url of nonce and ciphertext>`; what stands before the last dot is
//! authenticated with the value. A key's id is made from the key, so a damaged line cannot pass for another key.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use linkmesh_actors::domain::secret::{SEALED_PREFIX, SealError, Sealer};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

use crate::data_dir::files;

const HEADER: &str = "linkmesh-secret-key";
const FILE_VERSION: u32 = 1;
const NONCE_LENGTH: usize = 24;
const COMMENT: &str = "\
# The secret of this LinkMesh server: it opens the sealed values of the config repository.
# Keep it private and keep a copy (`linkmesh backup` does). The first key seals, every key opens.
";

/// Why the secret could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum SecretKeyError {
    /// The file could not be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried: `read`, `create`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is not a secret-key file, or is damaged.
    #[error("{} is damaged at line {line}: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A newer LinkMesh wrote the file.
    #[error("{} has version {found}, but this LinkMesh reads up to version {FILE_VERSION}; use a newer LinkMesh", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// The system gave no random bytes.
    #[error("the system gave no random bytes: {0}")]
    Random(getrandom::Error),
}

/// Names a key in what it sealed: the first four bytes of a hash of the key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 4]);

impl KeyId {
    fn of(key: &[u8; 32]) -> Self {
        let digest = Sha256::new().chain_update(b"linkmesh key id\0").chain_update(key).finalize();
        let mut id = [0; 4];
        id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self(id)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

struct Key {
    id: KeyId,
    bytes: Zeroizing<[u8; 32]>,
    cipher: XChaCha20Poly1305,
}

impl Key {
    fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self { id: KeyId::of(&bytes), cipher: XChaCha20Poly1305::new(bytes.as_slice().into()), bytes }
    }

    fn generate() -> Result<Self, SecretKeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut_slice()).map_err(SecretKeyError::Random)?;
        Ok(Self::new(bytes))
    }
}

/// The server's keys: one that seals, and those from before that still open.
pub struct SecretKey {
    current: Key,
    previous: Vec<Key>,
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let previous: Vec<_> = self.previous.iter().map(|key| key.id).collect();
        f.debug_struct("SecretKey").field("current", &self.current.id).field("previous", &previous).finish()
    }
}

impl SecretKey {
    /// A fresh secret that is stored nowhere.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn generate() -> Result<Self, SecretKeyError> {
        Ok(Self { current: Key::generate()?, previous: Vec::new() })
    }

    /// Reads the secret from `path`, or makes one there with mode 0600 when there is no file yet.
    ///
    /// A file that others may read is closed to them, with a warning in the log.
    ///
    /// # Errors
    /// When the file cannot be read or made, is damaged, or comes from a newer LinkMesh. A damaged file is never
    /// replaced: what it sealed would be lost.
    pub fn load_or_create(path: &Path) -> Result<Self, SecretKeyError> {
        match Self::load(path) {
            Err(SecretKeyError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                let key = Self::generate()?;
                files::create_durably(path, key.to_file_text().as_bytes()).map_err(|source| SecretKeyError::Io {
                    action: "create",
                    path: path.to_owned(),
                    source,
                })?;
                Ok(key)
            }
            loaded => loaded,
        }
    }

    /// Reads the secret from `path`.
    ///
    /// # Errors
    /// When the file cannot be read, is damaged, or comes from a newer LinkMesh.
    pub fn load(path: &Path) -> Result<Self, SecretKeyError> {
        let text = fs::read_to_string(path).map(Zeroizing::new).map_err(|source| SecretKeyError::Io {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        if files::restrict(path).unwrap_or(false) {
            tracing::warn!(path = %path.display(), "secret key was readable by others; mode set to 0600");
        }
        Self::parse(&text, path)
    }

    /// Puts a fresh key in front; what the keys before sealed still opens. The caller stores [`Self::to_file_text`].
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn rotated(mut self) -> Result<Self, SecretKeyError> {
        let before = std::mem::replace(&mut self.current, Key::generate()?);
        self.previous.insert(0, before);
        Ok(self)
    }

    /// The id of the key that seals.
    #[must_use]
    pub const fn current_id(&self) -> KeyId {
        self.current.id
    }

    /// The text of `secret.key`.
    #[must_use]
    pub fn to_file_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(format!("{COMMENT}{HEADER} {FILE_VERSION}\n"));
        for key in std::iter::once(&self.current).chain(&self.previous) {
            let mut line = format!("{} {}\n", key.id, STANDARD.encode(key.bytes.as_slice()));
            text.push_str(&line);
            line.zeroize();
        }
        text
    }

    fn parse(text: &str, path: &Path) -> Result<Self, SecretKeyError> {
        let damaged = |line, reason| SecretKeyError::Damaged { path: path.to_owned(), line, reason };
        let mut lines = text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line.trim()))
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let (number, header) = lines.next().ok_or_else(|| damaged(1, "the file is empty"))?;
        let version = header
            .strip_prefix(HEADER)
            .and_then(|rest| rest.trim().parse::<u32>().ok())
            .ok_or_else(|| damaged(number, "expected `linkmesh-secret-key <version>`"))?;
        if version > FILE_VERSION {
            return Err(SecretKeyError::Newer { path: path.to_owned(), found: version });
        }
        let mut keys = lines.map(|(number, line)| {
            let (id, encoded) = line.split_once(' ').ok_or_else(|| damaged(number, "expected a key id and a key"))?;
            let decoded = STANDARD.decode(encoded.trim()).map(Zeroizing::new);
            let decoded = decoded.map_err(|_| damaged(number, "the key is not base64"))?;
            let bytes = <[u8; 32]>::try_from(decoded.as_slice()).map(Zeroizing::new);
            let key = Key::new(bytes.map_err(|_| damaged(number, "the key is not 32 bytes"))?);
            if key.id.to_string() == id { Ok(key) } else { Err(damaged(number, "the key does not fit its id")) }
        });
        let current = keys.next().unwrap_or_else(|| Err(damaged(number, "no key follows")))?;
        Ok(Self { current, previous: keys.collect::<Result<_, _>>()? })
    }
}

impl Sealer for SecretKey {
    #[expect(clippy::expect_used, reason = "neither can fail: see the texts; to go on would store a secret in clear")]
    fn seal(&self, plain: &str) -> String {
        let prefix = format!("{SEALED_PREFIX}{}", self.current.id);
        let mut sealed = vec![0; NONCE_LENGTH];
        getrandom::fill(&mut sealed).expect("the system gives random bytes once it has started");
        let payload = Payload { msg: plain.as_bytes(), aad: prefix.as_bytes() };
        let ciphertext = self.current.cipher.encrypt(XNonce::from_slice(&sealed), payload);
        sealed.extend(ciphertext.expect("a text in memory is shorter than the cipher's limit of 256 GiB"));
        format!("{prefix}.{}", URL_SAFE_NO_PAD.encode(sealed))
    }

    fn open(&self, blob: &str) -> Result<String, SealError> {
        let (prefix, body) = blob.rsplit_once('.').ok_or(SealError::Malformed)?;
        let id = prefix.strip_prefix(SEALED_PREFIX).ok_or(SealError::Malformed)?;
        let sealed = URL_SAFE_NO_PAD.decode(body).map_err(|_| SealError::Malformed)?;
        let (nonce, msg) = sealed.split_at_checked(NONCE_LENGTH).ok_or(SealError::Malformed)?;
        let key = std::iter::once(&self.current).chain(&self.previous).find(|key| key.id.to_string() == id);
        let key = key.ok_or_else(|| SealError::UnknownKey(id.to_owned()))?;
        let payload = Payload { msg, aad: prefix.as_bytes() };
        let plain = key.cipher.decrypt(XNonce::from_slice(nonce), payload).map_err(|_| SealError::Forged)?;
        String::from_utf8(plain).map_err(|_| SealError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reread(key: &SecretKey) -> SecretKey {
        SecretKey::parse(&key.to_file_text(), Path::new("secret.key")).unwrap()
    }

    #[test]
    fn sealed_value_opens_again_after_the_key_was_stored_and_read() {
        let key = SecretKey::generate().unwrap();
        let blob = key.seal("hunter2 – pässword");
        assert!(!blob.contains("hunter2"));
        assert!(blob.starts_with(&format!("lms1.{}.", key.current_id())));
        assert_eq!(reread(&key).open(&blob).unwrap(), "hunter2 – pässword");
    }

    #[test]
    fn the_same_value_is_sealed_differently_each_time() {
        let key = SecretKey::generate().unwrap();
        assert_ne!(key.seal("a"), key.seal("a"));
    }

    #[test]
    fn old_key_opens_what_it_sealed_after_a_rotation() {
        let old = SecretKey::generate().unwrap();
        let (old_id, blob) = (old.current_id(), old.seal("before"));
        let new = reread(&old.rotated().unwrap().rotated().unwrap());
        assert_ne!(new.current_id(), old_id);
        assert_eq!(new.open(&blob).unwrap(), "before");
    }

    #[test]
    fn changed_foreign_and_malformed_blobs_are_told_apart() {
        let key = SecretKey::generate().unwrap();
        let blob = key.seal("value");
        let mut changed = blob.clone().into_bytes();
        let at = blob.len() - 3;
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        assert!(matches!(key.open(&String::from_utf8(changed).unwrap()), Err(SealError::Forged)));
        let other = SecretKey::generate().unwrap();
        assert!(matches!(other.open(&blob), Err(SealError::UnknownKey(id)) if id == key.current_id().to_string()));
        for malformed in ["", "lms1", "lms1.00000000", "lms2.00000000.AAAA", "plain text", &blob[..20]] {
            assert_eq!(key.open(malformed), Err(SealError::Malformed), "{malformed:?}");
        }
    }

    #[test]
    fn key_file_is_made_once_and_only_for_its_owner() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret.key");
        let made = SecretKey::load_or_create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(SecretKey::load_or_create(&path).unwrap().current_id(), made.current_id());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        SecretKey::load(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "closed to others");
    }

    #[test]
    fn damaged_key_file_is_refused_by_line_and_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret.key");
        let good = SecretKey::generate().unwrap().to_file_text();
        let id_line = good.lines().last().unwrap();
        for (text, line) in [
            (String::new(), 1),
            ("what is this".to_owned(), 1),
            ("linkmesh-secret-key 1\n".to_owned(), 1),
            ("linkmesh-secret-key 1\n00000000 AAAA\n".to_owned(), 2),
            (format!("linkmesh-secret-key 1\n{}\n", id_line.replace(' ', "")), 2),
            (format!("linkmesh-secret-key 1\n{}{}\n", "00000000", &id_line[8..]), 2),
        ] {
            fs::write(&path, &text).unwrap();
            match SecretKey::load_or_create(&path) {
                Err(SecretKeyError::Damaged { line: at, .. }) => assert_eq!(at, line, "{text:?}"),
                other => panic!("{text:?}: {other:?}"),
            }
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn key_file_of_a_newer_server_is_refused() {
        let error = SecretKey::parse("linkmesh-secret-key 2\n", Path::new("secret.key")).unwrap_err();
        assert!(error.to_string().contains("version 2"), "{error}");
    }

    #[test]
    fn debug_output_shows_no_key() {
        let key = SecretKey::generate().unwrap();
        let shown = format!("{key:?}");
        assert!(!shown.contains(&STANDARD.encode(key.current.bytes.as_slice())));
        assert!(shown.contains(&key.current_id().to_string()));
    }
}
