use super::*;
use crate::{domain::document::strict, render::alloy::parse};

fn of_yaml(text: &str) -> Option<String> {
    check_yaml(&strict::yaml(text).unwrap()).err()
}

fn of_alloy(text: &str) -> Option<String> {
    check_alloy(&parse::body(text).unwrap()).err()
}

#[test]
fn literal_at_a_secret_place_is_refused_and_named() {
    for (text, place) in [
        ("{password: hunter2}", "password"),
        ("{password: 1234}", "password"),
        ("{headers: {X-Honeycomb-Team: abc}}", "headers.X-Honeycomb-Team"),
        ("{client: {Headers: {x-team: 'abc${env:X}'}}}", "client.Headers.x-team"),
        ("{headers: {x-team: '${env:X:-abc}'}}", "headers.x-team"),
        ("{headers: {x-team: '${env:X}${env:Y}'}}", "headers.x-team"),
        ("{headers: {x-team: 7}}", "headers.x-team"),
        ("{headers: [{name: x-team, value: abc}]}", "headers.value"),
        ("{auth: {sasl: {sasl_password: '${env:P:-x}'}}}", "auth.sasl.sasl_password"),
        ("{auth: [{client-secret: x}]}", "auth.client-secret"),
        ("{api_key: 'key ${env:X} more'}", "api_key"),
        ("{datadog.api.key: abc}", "datadog.api.key"),
        ("{api: {key: abc, site: x}}", "api.key"),
        ("{write_key: abc}", "write_key"),
        ("{apiToken: abc}", "apiToken"),
        ("{clientSecret: abc}", "clientSecret"),
        ("{pwd: abc}", "pwd"),
        ("{community: abc}", "community"),
        ("{webhook_url: 'https://x.example/abc'}", "webhook_url"),
        ("{tls: {key_pem: abc}}", "tls.key_pem"),
        ("{datasource: 'u:abc@tcp(h)/d'}", "datasource"),
        ("{headers: 'authorization=abc'}", "headers"),
        ("{extra_headers: ['authorization: Bearer abc']}", "extra_headers"),
        ("{endpoint: 'https://u:abc@h.example'}", "endpoint"),
        ("{endpoint: 'https://h.example/?x=1&api_key=abc'}", "endpoint"),
        ("{anything: '-----BEGIN PRIVATE KEY----- abc'}", "anything"),
    ] {
        let found = of_yaml(text).unwrap_or_default();
        assert!(found.starts_with(&format!("`{place}`")), "{text}: {found}");
        assert!(!found.contains("hunter2") && !found.contains("abc"), "{found}");
    }
    for (text, place) in [
        ("token = `hunter2`", "token"),
        ("client { headers = {\"X-Honeycomb-Team\" = \"abc\"} }", "client.headers.X-Honeycomb-Team"),
        ("client { headers = {\"X\" = coalesce(sys.env(\"X\"), \"abc\")} }", "client.headers.X"),
        ("client { headers = {\"X\" = \"abc\" + sys.env(\"X\")} }", "client.headers.X"),
        ("client { headers = {\"X\" = sys.env(\"X\") + \"abc\"} }", "client.headers.X"),
        ("client { headers = {\"X\" = string.format(\"abc%s\", sys.env(\"X\"))} }", "client.headers.X"),
        ("auth { client_secret = 7 }", "auth.client_secret"),
        ("api {\n\tkey = \"abc\"\n}", "api.key"),
        ("auth { password = \"\\x61bc\" }", "auth.password"),
        ("url = \"https://u:abc@h.example\"", "url"),
        ("client { writeKey = \"abc\" }", "client.writeKey"),
    ] {
        let found = of_alloy(text).unwrap_or_default();
        assert!(found.starts_with(&format!("`{place}`")), "{text}: {found}");
        assert!(!found.contains("hunter2") && !found.contains("abc"), "{found}");
    }
}

#[test]
fn reference_to_the_environment_and_what_is_no_secret_pass() {
    for text in [
        "{password: '${env:P}', headers: {Authorization: 'Bearer ${env:T}', x-team: ''}}",
        "{headers: [{name: x-team, value: '${env:T}'}]}",
        "{password_file: /run/secret, token_url: 'https://x.example/token', headers: [X-Seen]}",
        "{actions: [{key: password, action: delete}], tls: {insecure: true}, extract: {labels: [{key: app}]}}",
        "{routing_key: traceID, partition_traces_by_id: true, secret_name: x, access_key_id: AKIA, username: u}",
        "{endpoint: 'https://h.example/v1?tenant=a', datasource: '${env:DSN}', other: 'a@b.example'}",
        "{endpoint: 'https://${env:USER}:${env:PASS}@h.example/?api_key=${env:KEY}'}",
        "{compass: x, bypass: true, tokenizer: y, from_context: token}",
    ] {
        assert_eq!(of_yaml(text), None, "{text}");
    }
    for text in [
        "token = sys.env(\"T\")",
        "client { headers = {\"Authorization\" = \"Bearer \" + sys.env(\"T\"), \"X\" = convert.nonsensitive(sys.env(\"X\"))} }",
        "client { headers = {\"Authorization\" = string.format(\"Bearer %s\", (sys.env(\"T\")))} }",
        "password_file = \"/run/secret\"",
    ] {
        assert_eq!(of_alloy(text), None, "{text}");
    }
}

#[test]
fn secrets_under_other_names_or_by_their_form_are_refused() {
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcaaaaaaaaaaaaa";
    for (text, place) in [
        (
            "{connection: 'Endpoint=sb://n.example/;SharedAccessKeyName=a;SharedAccessKey=abc=;EntityPath=h'}",
            "connection",
        ),
        ("{connection: 'AccountName=a;AccountKey=abc'}", "connection"),
        ("{required_header: {key: X-Auth, value: abc}}", "required_header.value"),
        ("{password: {value: abc}}", "password.value"),
        ("{password: [[abc]]}", "password"),
        ("{passwords: {a: abc}}", "passwords.a"),
        ("{credentials: {x: abc}}", "credentials.x"),
        ("{credentials: {a: {b: [abc]}}}", "credentials.a.b"),
        ("{credential: abc}", "credential"),
        ("{tokens: [abc]}", "tokens"),
        ("{tokens: [{a: abc}]}", "tokens.a"),
        ("{api_keys: [abc]}", "api_keys"),
        ("{secrets: [abc]}", "secrets"),
        ("{bearer: abc}", "bearer"),
        ("{cookie: 'session=abc'}", "cookie"),
        ("{pw: abc}", "pw"),
        ("{htpasswd: {inline: 'u:abc'}}", "htpasswd.inline"),
        ("{'pass\u{200b}word': abc}", "pass\u{200b}word"),
        ("{headers: {X-Tenant-Token: abc}}", "headers.X-Tenant-Token"),
        ("{headers: {X-Scope-OrgID: 'Bearer abc'}}", "headers.X-Scope-OrgID"),
        ("{headers: [{name: X-Scope-OrgID, value: a}, {name: X-Auth, value: abc}]}", "headers.value"),
        ("{endpoint: 'https://abc@h.example/1'}", "endpoint"),
        ("{endpoint: 'see https://h.example then https://u:abc@h.example'}", "endpoint"),
        ("{endpoint: 'https://hooks.slack.com/services/T0/B0/abc'}", "endpoint"),
        ("{t: 'Bearer abc'}", "t"),
        ("{t: 'Basic dTphYmM='}", "t"),
        ("{t: ghp_abcaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}", "t"),
        (&format!("{{t: {jwt}}}"), "t"),
        ("{t: 'mysql --password=abc'}", "t"),
        (r#"{t: '{"password": "abc"}'}"#, "t"),
        ("{t: 'password=abc'}", "t"),
        ("{endpoint: '[hidden]'}", "endpoint"),
    ] {
        let found = of_yaml(text).unwrap_or_default();
        assert!(found.starts_with(&format!("`{place}`")), "{text}: {found}");
        assert!(!found.contains("abc"), "{found}");
    }
    for (text, place) in [
        ("required_header {\n\tkey = \"X\"\n\tvalue = \"abc\"\n}", "required_header.value"),
        ("credentials {\n\tx = \"abc\"\n}", "credentials.x"),
        ("client { password = {a = \"abc\"} }", "client.password.a"),
        ("client { headers = {\"X-Auth\" = \"abc\"} }", "client.headers.X-Auth"),
        ("tokens = [\"abc\"]", "tokens"),
        ("t = \"Bearer abc\"", "t"),
        ("t = `password=abc`", "t"),
        ("url = \"https://abc@h.example\"", "url"),
        ("x = encoding.from_json(`{\"api\": {\"key\": \"abc\"}}`)", "x"),
        ("x = encoding.from_json(\"{\\\"password\\\": \\\"abc\\\"}\")", "x"),
        ("x = coalesce(encoding.from_yaml(`a: {password: abc}`), {})", "x"),
        ("x = encoding.from_json(`{\"password\": abc`)", "x"),
        ("x = encoding.from_json(\"\\x7b\\\"a\\\": \\\"abc\\\"}\")", "x"),
    ] {
        let found = of_alloy(text).unwrap_or_default();
        assert!(found.starts_with(&format!("`{place}`")), "{text}: {found}");
        assert!(!found.contains("abc"), "{found}");
    }
}

#[test]
fn what_stands_beside_secrets_or_only_looks_like_one_passes() {
    for text in [
        "{headers: {X-Scope-OrgID: team-a, X-Tenant: a, x-tenant-id: 7, Content-Type: text/plain, User-Agent: otel, Accept-Encoding: gzip}}",
        "{headers: [{name: X-Scope-OrgID, value: team-a}, {key: Accept, value: a/b}]}",
        "{required_header: {key: X-Auth, value: '${env:X}'}, header: X-Auth, response_header: {name: X}}",
        "{credentials: {username: u, type: basic, profile: default, password: '${env:P}', password_file: /run/x, region: eu}}",
        "{authorization: {type: Bearer, credentials_file: /run/x}, secret: {name: s, namespace: n}, cookies: {enabled: true}}",
        "{htpasswd: {file: /etc/x}, tokens: ['${env:T}'], credentials: {ttl: 5}, max_tokens: 5}",
        "{token_url: 'https://h.example/token', client_id: a, scopes: [a], metadata_keys: [a], keys: [a, b], key: service.name}",
        "{actions: [{key: service.name, value: x, action: upsert}, {key: password, action: delete}]}",
        "{statements: ['delete_key(attributes, \"password\")', 'set(attributes[\"token\"], \"x\") where attributes[\"secret\"] == nil']}",
        "{statements: ['replace_pattern(body, \"password=\\\\S+\", \"password=***\")', 'replace_pattern(body, \"token=([^&]+)\", \"token=[redacted]\")']}",
        "{statements: ['replace_pattern(body, \"Bearer \\\\S+\", \"Bearer xxx\")'], text: Basic auth, more: Bearer token}",
        "{blocked_values: ['ghp_[A-Za-z0-9]{36}', 'eyJ[A-Za-z0-9_-]+\\.eyJ'], endpoint: 'https://${env:U}@h.example/services'}",
        "{t: 'Bearer ${env:T}', connection: 'Endpoint=sb://n/;SharedAccessKey=${env:K}', dsn: '${env:D}', path: /run/secrets/password}",
        "{endpoint: 'postgres://reader@h.example/db', mail: 'a@b.example', sort: 'token=${env:T}'}",
    ] {
        assert_eq!(of_yaml(text), None, "{text}");
    }
    for text in [
        "client { headers = {\"X-Scope-OrgID\" = \"team-a\", \"User-Agent\" = \"otel\"} }",
        "client { headers = [{name = \"X-Tenant\", value = \"a\"}] }",
        "required_header {\n\tkey = \"X\"\n\tvalue = sys.env(\"X\")\n}",
        "credentials {\n\tusername = \"u\"\n\tpassword = sys.env(\"P\")\n}",
        "action {\n\tkey = \"service.name\"\n\tvalue = \"x\"\n}",
        "t = \"Bearer \" + sys.env(\"T\")",
        "t = encoding.from_json(`{\"a\": [\"b\"], \"password\": \"${env:P}\"}`)",
        "t = encoding.from_json(sys.env(\"T\"))",
    ] {
        assert_eq!(of_alloy(text), None, "{text}");
    }
}
