//! Layers and errors; `Jail` gives each case its own directory and environment.
#![allow(clippy::result_large_err)]

use figment::Jail;

use super::*;

fn load(overrides: &Overrides) -> Result<Config, ConfigError> {
    Config::load(Some(Path::new("linkmesh.toml")), overrides)
}

#[test]
fn each_layer_wins_over_the_one_below() {
    Jail::expect_with(|jail| {
        jail.create_file("linkmesh.toml", "data_dir = \"from-file\"\n[http]\nlisten = \"127.0.0.1:1\"\nworkers = 3")?;
        jail.set_env("LINKMESH_HTTP__LISTEN", "127.0.0.1:2");
        jail.set_env("LINKMESH_OPAMP__PING_INTERVAL", "5s");
        let from_env = load(&Overrides::default()).unwrap();
        assert_eq!(from_env.http.listen.port(), 2);
        assert_eq!(from_env.http.workers, 3);
        assert_eq!(from_env.data_dir, PathBuf::from("from-file"));
        assert_eq!(from_env.opamp.ping_interval, Span::seconds(5));
        assert_eq!(from_env.otlp, OtlpConfig::default());

        let http = Some(SocketAddr::from(([127, 0, 0, 1], 3)).into());
        assert_eq!(load(&Overrides { http, ..Overrides::default() }).unwrap().http.listen.port(), 3);
        Ok(())
    });
}

#[test]
fn unknown_key_is_named_with_its_place() {
    Jail::expect_with(|jail| {
        jail.create_file("linkmesh.toml", "[http]\nlissten = \"127.0.0.1:1\"")?;
        let error = load(&Overrides::default()).unwrap_err().to_string();
        assert!(error.contains("`http.lissten`") && error.contains("linkmesh.toml"), "{error}");
        jail.create_file("linkmesh.toml", "frob = 1")?;
        let error = load(&Overrides::default()).unwrap_err().to_string();
        assert!(error.contains("`frob`"), "{error}");
        jail.create_file("linkmesh.toml", "")?;
        jail.set_env("LINKMESH_HTTP_LISTEN", "127.0.0.1:2");
        let error = load(&Overrides::default()).unwrap_err().to_string();
        assert!(error.contains("`http_listen`") && error.contains("environment"), "{error}");
        Ok(())
    });
}

#[test]
fn bad_value_is_named_with_its_key() {
    Jail::expect_with(|jail| {
        for (text, key) in [
            ("[http]\nlisten = \"nonsense\"", "http.listen"),
            ("[opamp]\nping_interval = \"10 parsecs\"", "opamp.ping_interval"),
            ("[opamp]\nmax_message = 3", "opamp.max_message"),
            ("[opamp]\nmax_message = \"1B\"", "opamp.max_message"),
            ("[opamp]\nmax_enrolling = 0", "opamp.max_enrolling"),
            ("[opamp]\nsilence = \"1s\"", "opamp.silence"),
            ("[opamp]\nheartbeat = \"10ms\"", "opamp.heartbeat"),
            ("[http]\nbody_timeout = \"0s\"", "http.body_timeout"),
            ("[http.tls]\ncertificate = \"x\"", "http.tls.key"),
            ("[server]\npublic_url = \"https://a/b\"", "server.public_url"),
            ("[server]\npublic_url = \"ftp://a\"", "server.public_url"),
            ("[http]\nlisten = \"0.0.0.0:8080\"", "http.listen"),
            ("[http]\nbody_timeout = \"0s\"", "http.body_timeout"),
            ("[http]\nmax_unsent = \"15MiB\"", "http.max_unsent"),
            ("[opamp]\nping_interval = \"0s\"", "opamp.ping_interval"),
            ("[opamp]\nwrite_timeout = \"0s\"", "opamp.write_timeout"),
        ] {
            jail.create_file("linkmesh.toml", text)?;
            let error = load(&Overrides::default()).unwrap_err().to_string();
            assert!(error.contains(&format!("`{key}`")), "{text:?}: {error}");
        }
        Ok(())
    });
}

#[test]
fn what_unfinished_messages_may_hold_is_enough_for_the_largest() {
    Jail::expect_with(|jail| {
        for (text, other) in [
            ("[http]\nmax_unfinished = \"100MiB\"", "opamp.max_message"),
            ("[opamp]\nmax_message = \"129MiB\"", "opamp.max_message"),
            ("[remotecfg]\nmax_body = \"200MiB\"", "remotecfg.max_body"),
            ("[otlp]\nmax_body = \"1GiB\"", "otlp.max_body"),
            ("[http]\nmax_body = \"1GiB\"", "http.max_body"),
        ] {
            jail.create_file("linkmesh.toml", text)?;
            let error = load(&Overrides::default()).unwrap_err().to_string();
            assert!(error.contains("`http.max_unfinished`") && error.contains(&format!("`{other}`")), "{error}");
        }
        jail.create_file("linkmesh.toml", "[http]\nmax_unfinished = \"128MiB\"")?;
        assert!(load(&Overrides::default()).is_ok());
        Ok(())
    });
}

#[test]
fn missing_file_and_broken_file_are_errors() {
    Jail::expect_with(|jail| {
        assert!(matches!(load(&Overrides::default()), Err(ConfigError::Unreadable { .. })));
        jail.create_file("linkmesh.toml", "[http\n")?;
        assert!(matches!(load(&Overrides::default()), Err(ConfigError::BadValue { .. })));
        Ok(())
    });
}

#[test]
fn effective_values_are_a_file_that_loads_to_the_same() {
    Jail::expect_with(|jail| {
        jail.create_file("linkmesh.toml", "[http]\nlisten = \"0.0.0.0:9\"\nallow_plain = true")?;
        let config = load(&Overrides::default()).unwrap();
        jail.create_file("linkmesh.toml", &config.to_toml().unwrap())?;
        assert_eq!(load(&Overrides::default()).unwrap(), config);
        Ok(())
    });
}

#[test]
fn silence_follows_the_heartbeat_unless_it_is_set() {
    Jail::expect_with(|jail| {
        for (text, silence_s) in [
            ("", 90),
            ("[opamp]\nheartbeat = \"10s\"", 90),
            ("[opamp]\nheartbeat = \"60s\"", 180),
            ("[opamp]\nheartbeat = \"60s\"\nsilence = \"40s\"", 40),
        ] {
            jail.create_file("linkmesh.toml", text)?;
            let config = load(&Overrides::default()).unwrap();
            assert_eq!(config.opamp.silence, Some(Span::seconds(silence_s)), "{text:?}");
        }
        Ok(())
    });
}

#[test]
fn variables_of_the_test_kit_are_no_keys() {
    Jail::expect_with(|jail| {
        jail.set_env("LINKMESH_ALLOY", "/usr/bin/alloy");
        jail.set_env("LINKMESH_CONFIG", "x.toml");
        assert!(Config::load(None, &Overrides::default()).is_ok());
        Ok(())
    });
}
