//! `hyperframes-ci auth`: sign in once, for this and the other HeyGen tools of the machine.

use hyperframes_ci_core::api::{Account, Request};
use serde_json::{Map, Value, json};

use crate::app::outcome::{CredentialOutcome, RefreshOutcome, SignInOutcome, SignOutOutcome, StatusOutcome};
use crate::fault::Error;
use crate::heygen::auth;
use crate::heygen::auth::{
    Credential, DeviceAuthorization, Loopback, ProofKey, Provider, STORED_FIELDS, Secret, Session, Store,
    Tokens, random_token, terminal,
};
use crate::heygen::environment::{self, variable};
use crate::heygen::sign_in::SignInError;
use crate::heygen::transport::{ApiBase, CallError};
use crate::ui::{Console, table};

/// How long the browser is waited for.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(120);

/// What is stored of the user, to be shown; source: the file that the tools share.
const USER: &[&str] = &["email", "first_name", "last_name", "username"];

/// Sign in once, for this and the other HeyGen tools
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Login(LoginArgs),
    /// Who is signed in, by what, and what is left to spend; fails where nothing works
    Status,
    /// Refresh the stored sign-in now
    Refresh,
    Logout(LogoutArgs),
}

/// Sign in with the browser; what was stored before stays until the new credential has been verified
#[derive(Debug, clap::Args)]
pub(super) struct LoginArgs {
    /// Sign in on another device, with a code: for terminals without a browser
    #[arg(long, conflicts_with = "api_key")]
    device: bool,
    /// Store an API key: asked for without showing it, or read from standard input
    #[arg(long)]
    api_key: bool,
}

/// Give the stored sign-in back and forget it
#[derive(Debug, clap::Args)]
pub(super) struct LogoutArgs {
    /// Keep the stored API key
    #[arg(long)]
    keep_api_key: bool,
    /// Do not ask
    #[arg(short, long, visible_aliases = ["force", "no-confirm"])]
    yes: bool,
}

pub(super) fn run(command: &Command, console: &mut Console) -> Result<(), Error> {
    match command {
        Command::Login(args) => login(args, console),
        Command::Status => status(console),
        Command::Refresh => refresh(console),
        Command::Logout(args) => logout(args, console),
    }
}

fn store() -> Result<Store, Error> {
    auth::store(&variable).ok_or_else(|| SignInError::NoHome.into())
}

fn login(args: &LoginArgs, console: &mut Console) -> Result<(), Error> {
    let store = store()?;
    // Whoever cannot store a sign-in is not asked for one.
    drop(store.lock()?);
    let before = store.read()?.unwrap_or_default();
    let base = environment::base()?;
    if args.api_key {
        return login_with_key(&store, base, console);
    }
    if !terminal::is_attended(&variable) {
        return Err(SignInError::NotInteractive.into());
    }
    let provider = Provider::from_environment(&variable);
    if args.device {
        let tokens = on_another_device(&provider, console)?;
        let user = keep(&store, base, &provider, &tokens)?;
        return welcome(&user, &before, console);
    }
    let has_choice = variable("BROWSER").is_some_and(|browser| !browser.is_empty());
    if terminal::is_remote(&variable) && !has_choice {
        return Err(SignInError::RemoteSession.into());
    }
    let loopback = Loopback::bind().map_err(|error| SignInError::Callback(error.into()))?;
    let (key, state) = ProofKey::new()
        .and_then(|key| Ok((key, random_token()?)))
        .map_err(|error| SignInError::Callback(error.into()))?;
    let redirect_uri = loopback.redirect_uri();
    let url = provider.authorize_url(&redirect_uri, &state, &key).map_err(SignInError::from)?;
    if terminal::open_browser(&url, &variable) {
        // Without its query: that is worth something for two minutes.
        let place = url.split('?').next().unwrap_or_default();
        console.step(&format!("Sign in with the browser, at {place}"));
    } else {
        console.step("Open this address to sign in:");
        console.detail(&url);
    }
    let callback = loopback.wait(&state, PATIENCE).map_err(SignInError::Callback)?;
    let signed = provider
        .exchange(&callback.code, &redirect_uri, &key)
        .map_err(|error| SignInError::from(error).into());
    let kept = signed.and_then(|tokens| keep(&store, base, &provider, &tokens));
    match kept {
        Ok(user) => {
            callback.finish(Ok(&name(&user)));
            welcome(&user, &before, console)
        }
        Err(error) => {
            callback.finish(Err("The sign-in could not be completed; the terminal says why."));
            Err(error)
        }
    }
}

fn on_another_device(provider: &Provider, console: &mut Console) -> Result<Tokens, Error> {
    let challenge = provider.authorize_device().map_err(SignInError::from)?;
    let DeviceAuthorization { url, code, lifetime, .. } = &challenge;
    console.step(&format!("Open {url} in a browser"));
    if let Some(code) = code {
        console.detail(&format!("and enter the code {code}"));
    }
    console.detail(&format!("waiting for up to {} minutes", lifetime.as_secs().div_ceil(60)));
    Ok(provider.poll_device(&challenge).map_err(SignInError::from)?)
}

fn login_with_key(store: &Store, base: ApiBase, console: &mut Console) -> Result<(), Error> {
    let is_typed = std::io::IsTerminal::is_terminal(&std::io::stdin());
    let key = match (is_typed, terminal::is_attended(&variable)) {
        (true, true) => terminal::ask_hidden("HeyGen API key (not shown): "),
        (true, false) => return Err(SignInError::NotInteractive.into()),
        (false, _) => terminal::read_line(),
    };
    let key = key.map_err(SignInError::Key)?;
    if key.expose().is_empty() {
        return Err(SignInError::NoKey.into());
    }
    let key = auth::secret(key.expose().to_owned(), "what was given")?;
    let user = verify(base, Credential::ApiKey(key.clone()))?;
    let had_session = store.read()?.is_some_and(|stored| stored.pointer("/oauth/access_token").is_some());
    let fields = Map::from_iter([("api_key".to_owned(), key.expose().into())]);
    store.lock()?.change(|stored| {
        stored.set(fields)?;
        if had_session { Ok(()) } else { stored.object("user")?.set(about(&user)) }
    })?;
    if had_session {
        console.warning("the stored sign-in still comes first; `auth logout --keep-api-key` ends it");
    }
    welcome(&user, &Value::Null, console)
}

/// Asks HeyGen who a credential is.
fn verify(base: ApiBase, credential: Credential) -> Result<Map<String, Value>, Error> {
    let transport = environment::transport_with(base, credential)?;
    let failed = |error: CallError| match &error {
        CallError::Api(problem) if problem.is_authentication() => SignInError::Rejected(error),
        _ => SignInError::Unverified(error),
    };
    let answer = transport
        .call(&Request::account(), environment::max_retries()?, crate::system::random())
        .map_err(failed)?;
    Ok(answer.data().map_err(CallError::from).map_err(failed)?)
}

/// Stores a sign-in once it is known to be good; gives it back to the server where that is not so.
fn keep(
    store: &Store,
    base: ApiBase,
    provider: &Provider,
    tokens: &Tokens,
) -> Result<Map<String, Value>, Error> {
    let session = Session { access_token: tokens.access.clone(), is_expired: false, store: None };
    let kept = verify(base, Credential::Session(session)).and_then(|user| {
        store.lock()?.change(|stored| {
            stored.object("oauth")?.set(tokens.all_fields())?;
            stored.object("user")?.set(about(&user))
        })?;
        Ok(user)
    });
    if kept.is_err() {
        provider.revoke_all(tokens);
    }
    kept
}

/// What is stored of a user: an empty value takes the one of another account away.
fn about(user: &Map<String, Value>) -> Map<String, Value> {
    let field =
        |name: &&str| ((*name).to_owned(), auth::text(user.get(*name)).map_or(Value::Null, Value::from));
    USER.iter().map(field).collect()
}

/// A user's name, as people know it: the address, the name, the account.
fn name(user: &Map<String, Value>) -> String {
    let text = |name: &str| auth::text(user.get(name));
    let full = [text("first_name"), text("last_name")].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let full = Some(full.as_str()).filter(|full| !full.is_empty());
    text("email").or(full).or(text("username")).unwrap_or("an account without a name").to_owned()
}

fn welcome(user: &Map<String, Value>, before: &Value, console: &mut Console) -> Result<(), Error> {
    let name = name(user);
    let other = before.get("user").and_then(Value::as_object).map(self::name).filter(|other| *other != name);
    match other {
        Some(other) => console.done(&format!("Signed in as {name}, no longer as {other}")),
        None => console.done(&format!("Signed in as {name}")),
    }
    if let Some(variable) = auth::overriding_variable(&variable) {
        console.warning(&format!("{variable} is set and comes before what is stored"));
    }
    console.outcome(&SignInOutcome { signed_in: true, user: json!(about(user)) });
    Ok(())
}

fn status(console: &mut Console) -> Result<(), Error> {
    let Some(found) = auth::find(&variable)? else {
        console.outcome(&StatusOutcome::default());
        return Err(auth::NoCredential.into());
    };
    let is_session = matches!(found.credential, Credential::Session(_));
    let is_stored = auth::overriding_variable(&variable).is_none();
    let base = environment::base()?;
    let transport = environment::transport_with(base, found.credential)?;
    let answer = transport.call(&Request::account(), environment::max_retries()?, crate::system::random());
    let account = answer.and_then(|answer| answer.data::<Map<String, Value>>().map_err(CallError::from));
    // After the call: an old sign-in has been refreshed by it.
    let stored = if is_stored { store()?.read()?.unwrap_or_default() } else { Value::Null };
    let expires_at = stored.pointer("/oauth/expires_at").filter(|_| is_session);
    let known = stored.get("user").and_then(Value::as_object);
    let user = account.as_ref().ok().or(known).cloned().unwrap_or_default();
    let billing = account
        .as_ref()
        .ok()
        .and_then(|account| serde_json::from_value::<Account>(account.clone().into()).ok());
    let left = billing.as_ref().and_then(Account::balance).filter(|left| left.is_finite());
    let sections = ["billing_type", "wallet", "subscription", "usage_based"];
    let sections = sections.iter().filter_map(|name| Some(((*name).to_owned(), user.get(*name)?.clone())));
    console.outcome(&StatusOutcome {
        configured: true,
        valid: account.is_ok(),
        credential: Some(CredentialOutcome {
            source: found.source.clone(),
            kind: if is_session { "oauth" } else { "api_key" },
            expires_at: expires_at.cloned(),
            user: json!(about(&user)),
            billing: sections.collect(),
            left,
        }),
    });
    let who = if user.is_empty() { "unknown".to_owned() } else { name(&user) };
    let kind = if is_session { "sign-in" } else { "API key" };
    let mut rows = vec![
        vec!["account".to_owned(), who],
        vec!["credential".to_owned(), format!("{kind} from {}", found.source)],
    ];
    if let Some(expires_at) = expires_at.and_then(Value::as_str) {
        let is_refreshed = stored.pointer("/oauth/refresh_token").is_some();
        let then = if is_refreshed { ", and is refreshed then" } else { "" };
        rows.push(vec!["expires".to_owned(), format!("{expires_at}{then}")]);
    }
    if let Some(billing) = billing.and_then(|billing| billing.billing_type) {
        let left = left.map_or_else(String::new, |left| format!(", {left} left"));
        rows.push(vec!["billing".to_owned(), format!("{billing}{left}")]);
    }
    console.result(&table(&rows));
    account.map(|_| ()).map_err(|error| match &error {
        CallError::Api(problem) if problem.is_authentication() => SignInError::Rejected(error).into(),
        _ => error.into(),
    })
}

fn refresh(console: &mut Console) -> Result<(), Error> {
    let store = store()?;
    let stored = store.read()?.unwrap_or_default();
    let token = |name: &str| auth::text(stored.pointer(name));
    let Some(old) = token("/oauth/access_token").filter(|_| token("/oauth/refresh_token").is_some()) else {
        return Err(SignInError::NoSession.into());
    };
    let old = Secret::new(old.to_owned());
    Provider::from_environment(&variable).refresh(&store, &old).map_err(SignInError::from)?;
    let stored = store.read()?.unwrap_or_default();
    let expires_at = stored.pointer("/oauth/expires_at").cloned().unwrap_or_default();
    let until = expires_at.as_str().map_or_else(String::new, |at| format!(", good until {at}"));
    console.done(&format!("Refreshed the sign-in{until}"));
    console.outcome(&RefreshOutcome { refreshed: true, expires_at: Some(expires_at) });
    Ok(())
}

fn logout(args: &LogoutArgs, console: &mut Console) -> Result<(), Error> {
    let store = store()?;
    let stored = store.read()?.unwrap_or_default();
    let text = |name: &str| auth::text(stored.pointer(name));
    let has_key = text("/api_key").is_some();
    let tokens =
        [("access_token", text("/oauth/access_token")), ("refresh_token", text("/oauth/refresh_token"))];
    let tokens = tokens.into_iter().filter_map(|(hint, token)| Some((hint, Secret::new(token?.to_owned()))));
    let tokens = tokens.collect::<Vec<_>>();
    let forgets_key = has_key && !args.keep_api_key;
    if tokens.is_empty() && !forgets_key {
        console.done("Nothing is stored that could be forgotten");
        console.outcome(&SignOutOutcome { signed_out: false, revoked: None });
        return Ok(());
    }
    if !args.yes {
        if console.is_json() || !terminal::is_attended(&variable) {
            return Err(Error::usage("logout asks first, and there is nobody to ask", "add --yes"));
        }
        let what = match (tokens.is_empty(), forgets_key) {
            (false, true) => "the sign-in and the API key, which the other HeyGen tools use as well",
            (false, false) => "the sign-in, which the other HeyGen tools use as well",
            (true, _) => "the API key, which the other HeyGen tools use as well",
        };
        if !terminal::confirm(&format!("Forget {what}?")) {
            return Err(SignInError::Declined.into());
        }
    }
    let provider = Provider::from_environment(&variable);
    // Whether or not the server answers: what is here is forgotten.
    let revoked =
        tokens.iter().map(|(hint, token)| provider.revoke(token, hint)).filter(|done| !done).count() == 0;
    store.lock()?.change(|stored| {
        stored.clear("oauth", STORED_FIELDS)?;
        if forgets_key {
            stored.set(Map::from_iter([("api_key".to_owned(), Value::Null)]))?;
        }
        if forgets_key || !has_key { stored.clear("user", USER) } else { Ok(()) }
    })?;
    if !revoked {
        console.warning("the server did not take the sign-in back; it ends by itself");
    }
    console.done("Signed out");
    if let Some(variable) = auth::overriding_variable(&variable) {
        console.warning(&format!("{variable} is set and still counts"));
    }
    console.outcome(&SignOutOutcome { signed_out: true, revoked: Some(revoked) });
    Ok(())
}
