//! Every route of the table, asked by who may not.

use linkmesh::http::routes::{Access, table};
use linkmesh_actors::domain::access::Role;
use reqwest::Method;
use serde_json::json;

use super::harness::Api;

fn concrete(path: &str) -> String {
    path.replace("{id}", "00000000-0000-0000-0000-000000000000").replace("{sha}", &"0".repeat(40))
}

#[actix_web::test]
async fn every_route_turns_away_who_is_nobody_and_who_may_not() {
    let api = Api::start().await;
    let nobody = api.stranger();
    let mut roles = Vec::new();
    for role in Role::ALL {
        roles.push((*role, api.as_role(*role).await));
    }
    let mut refused = 0;
    for route in table() {
        let (access, method, path) = (route.meta.access, route.meta.method.as_str(), concrete(route.meta.path));
        let method: Method = method.parse().unwrap();
        let ask = |api: &Api| {
            let request = api.request(method.clone(), &path);
            // A body that no handler accepts: the refusal must come before anybody reads it.
            if method == Method::GET { request } else { request.json(&json!({"not": "read"})) }
        };
        let permission = match access {
            Access::Public => continue,
            Access::EnrolmentToken | Access::SignedIn => {
                nobody.send(ask(&nobody)).await.problem(401, "unauthenticated");
                continue;
            }
            Access::Needs(permission) => permission,
        };
        nobody.send(ask(&nobody)).await.problem(401, "unauthenticated");
        for (role, api) in roles.iter().filter(|(role, _)| !role.allows(permission)) {
            let problem = api.send(ask(api)).await.problem(403, "forbidden");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(permission.as_str()) && detail.contains(role.as_str()), "{detail}");
            refused += 1;
        }
    }
    assert!(refused > 20, "only {refused} refusals: do the roles still differ?");
}

#[actix_web::test]
async fn description_is_open_to_all_and_health_needs_nobody() {
    let api = Api::fresh().await;
    assert_eq!(api.get("/openapi.json").await.expect(200)["openapi"], "3.1.0");
    for path in ["/healthz", "/readyz"] {
        let answer = reqwest::get(format!("{}{path}", api.url)).await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
    }
}
