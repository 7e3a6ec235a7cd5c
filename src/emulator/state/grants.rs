//! Sign-ins: authorization codes, device codes and tokens; sources: RFC 6749, 7636, 7009, 8628.

use std::collections::HashMap;
use std::time::Duration;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use sha2::{Digest, Sha256};

use super::ids::IdGenerator;
use crate::system::clock::{unix_now, unix_time_in};

/// How long authorization codes and device codes are valid.
pub(crate) const CODE_LIFETIME: Duration = Duration::from_secs(600);

/// Shortest time between two requests of a device, in seconds.
pub(crate) const DEVICE_INTERVAL: i64 = 1;

/// An `error` of RFC 6749, section 5.2, or RFC 8628, section 3.5.
pub(crate) type GrantError = &'static str;

/// A pair of tokens.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    /// How long the access token is valid.
    pub(crate) lifetime: Duration,
}

/// What an authorization code is bound to.
#[derive(Debug)]
pub(crate) struct CodeRequest {
    pub(crate) challenge: String,
    pub(crate) redirect_uri: String,
    pub(crate) client_id: String,
}

/// The codes of a device that signs in.
#[derive(Debug)]
pub(crate) struct DeviceCodes {
    pub(crate) device_code: String,
    pub(crate) user_code: String,
}

struct Code {
    request: CodeRequest,
    expires: i64,
}

struct Device {
    user_code: String,
    client_id: String,
    expires: i64,
    /// The user's decision; `None` before it.
    allowed: Option<bool>,
    /// Time of the last request, in seconds since 1970.
    polled_at: i64,
}

/// A refresh token: valid once.
struct RefreshToken {
    sign_in: u64,
    used: bool,
}

/// All sign-ins.
pub(crate) struct Grants {
    token_lifetime: Duration,
    ids: IdGenerator,
    codes: HashMap<String, Code>,
    /// Expiry of access tokens, in seconds since 1970.
    access: HashMap<String, i64>,
    refresh: HashMap<String, RefreshToken>,
    devices: HashMap<String, Device>,
    sign_ins: u64,
}

impl Grants {
    /// Returns no grants; access tokens will be valid for `token_lifetime`.
    pub(super) fn new(token_lifetime: Duration) -> Self {
        Self {
            token_lifetime,
            ids: IdGenerator::default(),
            codes: HashMap::new(),
            access: HashMap::new(),
            refresh: HashMap::new(),
            devices: HashMap::new(),
            sign_ins: 0,
        }
    }

    /// Returns whether an access token is valid.
    pub(crate) fn accepts(&self, token: &str) -> bool {
        self.access.get(token).is_some_and(|expires| *expires > unix_now())
    }

    /// Returns a new authorization code.
    pub(crate) fn issue_code(&mut self, request: CodeRequest) -> String {
        let code = self.ids.next("code");
        self.codes.insert(code.clone(), Code { request, expires: unix_time_in(CODE_LIFETIME) });
        code
    }

    /// Exchanges an authorization code, which is used up even if this fails.
    ///
    /// # Errors
    /// Returns `invalid_grant` if the code is unknown or expired, or if it is bound to something else.
    pub(crate) fn redeem_code(
        &mut self,
        code: &str,
        verifier: &str,
        redirect_uri: &str,
        client_id: &str,
    ) -> Result<Tokens, GrantError> {
        let Code { request, expires } = self.codes.remove(code).ok_or("invalid_grant")?;
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        let is_valid = expires > unix_now()
            && request.challenge == challenge
            && request.redirect_uri == redirect_uri
            && request.client_id == client_id;
        if is_valid { Ok(self.issue_tokens(None)) } else { Err("invalid_grant") }
    }

    /// Exchanges a refresh token. A second use ends the whole sign-in: the token may have been stolen.
    ///
    /// # Errors
    /// Returns `invalid_grant` if the token is unknown or used.
    pub(crate) fn redeem_refresh_token(&mut self, token: &str) -> Result<Tokens, GrantError> {
        let token = self.refresh.get_mut(token).ok_or("invalid_grant")?;
        let sign_in = token.sign_in;
        if std::mem::replace(&mut token.used, true) {
            self.refresh.retain(|_, other| other.sign_in != sign_in);
            return Err("invalid_grant");
        }
        Ok(self.issue_tokens(Some(sign_in)))
    }

    /// Exchanges a device code.
    ///
    /// # Errors
    /// Returns the error of RFC 8628, section 3.5, if the user has not allowed the sign-in.
    pub(crate) fn redeem_device_code(
        &mut self,
        device_code: &str,
        client_id: &str,
    ) -> Result<Tokens, GrantError> {
        let device = self.devices.get_mut(device_code).ok_or("invalid_grant")?;
        let elapsed = unix_now() - std::mem::replace(&mut device.polled_at, unix_now());
        match device.allowed {
            _ if device.client_id != client_id => Err("invalid_grant"),
            _ if device.expires <= unix_now() => Err("expired_token"),
            Some(false) => Err("access_denied"),
            None if elapsed < DEVICE_INTERVAL => Err("slow_down"),
            None => Err("authorization_pending"),
            Some(true) => {
                self.devices.remove(device_code);
                Ok(self.issue_tokens(None))
            }
        }
    }

    /// Revokes an access token or a refresh token, if it is known.
    pub(crate) fn revoke(&mut self, token: &str) {
        self.access.remove(token);
        self.refresh.remove(token);
    }

    /// Starts the sign-in of a device.
    pub(crate) fn start_device(&mut self, client_id: &str) -> DeviceCodes {
        let device_code = self.ids.next("device");
        let user_code = self.ids.next("c")[2..10].to_ascii_uppercase();
        let device = Device {
            user_code: user_code.clone(),
            client_id: client_id.to_owned(),
            expires: unix_time_in(CODE_LIFETIME),
            allowed: None,
            polled_at: 0,
        };
        self.devices.insert(device_code.clone(), device);
        DeviceCodes { device_code, user_code }
    }

    /// Records the user's decision; returns whether the code is known.
    pub(crate) fn decide_device(&mut self, user_code: &str, is_allowed: bool) -> bool {
        let device = self.devices.values_mut().find(|device| device.user_code == user_code);
        device.map(|device| device.allowed = Some(is_allowed)).is_some()
    }

    /// Issues tokens for an existing sign-in, or for a new one.
    fn issue_tokens(&mut self, sign_in: Option<u64>) -> Tokens {
        let (access, refresh) = (self.ids.next("at"), self.ids.next("rt"));
        self.sign_ins += 1;
        let sign_in = sign_in.unwrap_or(self.sign_ins);
        self.access.insert(access.clone(), unix_time_in(self.token_lifetime));
        self.refresh.insert(refresh.clone(), RefreshToken { sign_in, used: false });
        Tokens { access, refresh, lifetime: self.token_lifetime }
    }
}
