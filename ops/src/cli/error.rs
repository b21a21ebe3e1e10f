//! Failures of the command line: what the user reads and with which status the process ends.

use zeroize::Zeroizing;

use super::json::{Json, layout, object};

/// Exit status of a command; the values are part of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exit(pub(crate) u8);

/// Why a command failed.
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    code: String,
    request_id: Option<String>,
    /// The API's error envelope as received; absent for local errors.
    envelope: Option<Zeroizing<String>>,
}

// === impl Exit ===

impl Exit {
    /// All went well.
    pub(crate) const SUCCESS: Self = Self(0);
    /// Anything without a status of its own.
    pub(crate) const GENERAL: Self = Self(1);
    /// No token, or one that is not accepted.
    pub(crate) const UNAUTHENTICATED: Self = Self(2);
    /// Not allowed.
    pub(crate) const FORBIDDEN: Self = Self(3);
    /// Not there.
    pub(crate) const MISSING: Self = Self(4);
    /// Wrong usage, or a request that is wrong in itself.
    pub(crate) const USAGE: Self = Self(5);
    /// Command of `run` not found, as shells have it.
    pub(crate) const COMMAND_NOT_FOUND: Self = Self(127);
    /// Command of `run` found but not executable, as shells have it.
    pub(crate) const NOT_EXECUTABLE: Self = Self(126);
    /// Interrupted from the keyboard.
    pub(crate) const INTERRUPTED: Self = Self(130);

    /// The exit status for an HTTP status.
    pub(crate) fn of_status(status: u16) -> Self {
        match status {
            200..=399 => Self::SUCCESS,
            401 => Self::UNAUTHENTICATED,
            403 => Self::FORBIDDEN,
            404 | 410 => Self::MISSING,
            400 | 405 | 413 | 415 | 422 => Self::USAGE,
            _ => Self::GENERAL,
        }
    }

    /// The exit status for an error code that comes without HTTP status, as in a batch.
    pub(crate) fn of_code(code: &str) -> Self {
        match code {
            "authentication_required" | "token_invalid" | "token_expired" | "token_revoked" => Self::UNAUTHENTICATED,
            "access_denied"
            | "mfa_required"
            | "ip_not_allowed"
            | "time_window_violation"
            | "tenant_access_denied"
            | "forbidden" => Self::FORBIDDEN,
            "method_not_allowed"
            | "payload_too_large"
            | "unsupported_media_type"
            | "validation_error"
            | "idempotency_key_reuse" => Self::USAGE,
            "secret_expired" => Self::MISSING,
            _ if code.ends_with("not_found") => Self::MISSING,
            _ if code.starts_with("invalid_") => Self::USAGE,
            _ => Self::GENERAL,
        }
    }
}

// === impl Failure ===

impl Failure {
    /// A failure of this process itself.
    pub(crate) fn local(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), code: "cli_error".to_owned(), request_id: None, envelope: None }
    }

    /// Wrong usage.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::local(Exit::USAGE, message)
    }

    /// Anything without a status of its own.
    pub(crate) fn general(message: impl Into<String>) -> Self {
        Self::local(Exit::GENERAL, message)
    }

    /// An answer of the API that is no success. A body without error envelope (a proxy's page) becomes a local error.
    pub(crate) fn answered(status: u16, request_id: Option<String>, body: &str) -> Self {
        let exit = match Exit::of_status(status) {
            Exit::SUCCESS => Exit::GENERAL,
            failure => failure,
        };
        let document = Json::parse(body).ok();
        let error = document.as_ref().and_then(|document| document.member("error"));
        let part = |name: &str| error.and_then(|error| error.member_text(name)).map(str::to_owned);
        match (part("code"), part("message")) {
            (Some(code), Some(message)) => Self {
                exit,
                message,
                code,
                request_id: part("request_id").or(request_id),
                envelope: Some(Zeroizing::new(body.to_owned())),
            },
            _ => Self {
                request_id,
                ..Self::local(exit, format!("The server answered {status} without an error of the API"))
            },
        }
    }

    /// The exit status.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// The API's error code, or `cli_error`.
    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// The message alone.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The text for standard error.
    pub(crate) fn render(&self, json: bool) -> String {
        if json {
            return match &self.envelope {
                Some(envelope) => layout::indent(envelope).to_string(),
                None => local_envelope(&self.message),
            };
        }
        match &self.request_id {
            Some(request_id) => format!("Error: {} [{}] (request {request_id})", self.message, self.code),
            None => format!("Error: {} [{}]", self.message, self.code),
        }
    }
}

/// The error envelope of a local error.
pub(crate) fn local_envelope(message: &str) -> String {
    let error = object([("code", Some(Json::text("cli_error"))), ("message", Some(Json::text(message)))]);
    layout::indent(&object([("error", Some(error))]).compact()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_follow_the_contract() {
        let table = [(200, 0), (304, 0), (400, 5), (401, 2), (403, 3), (404, 4), (405, 5), (409, 1), (410, 4)];
        let more = [(413, 5), (415, 5), (422, 5), (429, 1), (500, 1), (502, 1), (503, 1), (504, 1)];
        for (status, exit) in table.into_iter().chain(more) {
            assert_eq!(Exit::of_status(status), Exit(exit), "{status}");
        }
    }

    #[test]
    fn codes_follow_their_statuses() {
        let table = [("secret_not_found", 4), ("version_not_found", 4), ("secret_expired", 4), ("access_denied", 3)];
        let more = [("invalid_path", 5), ("validation_error", 5), ("backend_error", 1), ("token_revoked", 2)];
        for (code, exit) in table.into_iter().chain(more) {
            assert_eq!(Exit::of_code(code), Exit(exit), "{code}");
        }
    }

    #[test]
    fn an_envelope_is_shown_in_both_forms() {
        let body = r#"{"error":{"code":"secret_not_found","message":"No","details":{"n":1.10},"request_id":"req_1"}}"#;
        let failure = Failure::answered(404, None, body);
        assert_eq!(failure.render(false), "Error: No [secret_not_found] (request req_1)");
        assert!(failure.render(true).contains("\"n\": 1.10"));
        assert_eq!(failure.exit(), Exit::MISSING);
    }

    #[test]
    fn a_page_of_a_proxy_is_a_local_error() {
        let failure = Failure::answered(502, None, "<html>");
        assert_eq!(failure.render(false), "Error: The server answered 502 without an error of the API [cli_error]");
        assert_eq!(Failure::answered(301, None, "").exit(), Exit::GENERAL);
    }
}
