//! A browser that has cookies and sends forms.

use axum::{body::Body, http::Request};

use crate::world::{Answer, World, encoded};

/// A browser.
#[derive(Clone, Default)]
pub struct Browser {
    pub cookie: Option<String>,
}

impl Browser {
    pub async fn get(&mut self, world: &World, path: &str) -> Answer {
        let request = Request::get(path);
        self.sent(world, request.body(Body::empty()).unwrap()).await
    }

    pub async fn post(&mut self, world: &World, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(encoded(fields)));
        self.sent(world, request.unwrap()).await
    }

    async fn sent(&mut self, world: &World, mut request: Request<Body>) -> Answer {
        if let Some(cookie) = &self.cookie {
            request.headers_mut().insert("cookie", cookie.parse().unwrap());
        }
        let answer = world.send(request).await;
        if let Some(set) = answer.headers.get("set-cookie") {
            self.cookie = Some(set.to_str().unwrap().split(';').next().unwrap().to_owned());
        }
        answer
    }

    /// Fills in the page to log in; what comes after.
    pub async fn log_in(
        &mut self,
        world: &World,
        page: &Answer,
        name: &str,
        password: &str,
    ) -> Answer {
        let (request, csrf) = (page.hidden("request"), page.hidden("csrf"));
        let fields =
            [("request", &*request), ("csrf", &csrf), ("username", name), ("password", password)];
        let answer = self.post(world, "/login", &fields).await;
        if answer.status == 303 { self.get(world, answer.location()).await } else { answer }
    }

    /// Presses a button of the page to allow or deny.
    pub async fn decide(&mut self, world: &World, page: &Answer, decision: &str) -> Answer {
        let (request, csrf) = (page.hidden("request"), page.hidden("csrf"));
        let fields = [("request", &*request), ("csrf", &csrf), ("decision", decision)];
        self.post(world, "/consent", &fields).await
    }
}
