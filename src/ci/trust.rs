//! Whose code a run has checked out, and what may run next to it.
//!
//! A run with secrets or a token with write access must not render pages of an outsider, nor be configured by one. So
//! everything is an outsider's unless something that an outsider cannot choose proves that it is of this repository: the
//! event, the head repository in its payload, or the commit that is checked out. [`EVENTS`] says which of these proves it
//! for each event. Events that it does not list need the strictest proof.

/// Whose code a run has checked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// The code is of a branch or tag of the repository.
    Own,
    /// The code is of a fork, and the run has neither secrets nor a token with write access.
    Fork,
    /// The code is not proven to be of the repository, and the run may have secrets or a token with write access.
    Exposed,
}

/// Where the configuration of a run is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ConfigSource {
    /// From the checkout.
    Checkout,
    /// From this commit or branch of the repository; there is no configuration if neither is known.
    Base(Option<String>),
}

/// Who can start a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Actor {
    /// Users and apps with write access.
    Writers,
    /// Anyone, or a run that anyone can start.
    Anyone,
    /// The CI service.
    Service,
}

/// What proves that the code of a run is the repository's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The event: only users with write access can add commits to what it is about.
    Event,
    /// The payload: the head of the pull request is in this repository.
    Head,
    /// The checkout: its commit is that of the run, on a branch or tag, or the tip of a branch of the repository, and it
    /// contains no other clone.
    Checkout,
    /// The checkout, as [`Proof::Checkout`], without changed, untracked or ignored files, such as those of an artifact.
    CleanCheckout,
}

/// The rule for an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventRule {
    /// The service's name of the event.
    pub(crate) name: &'static str,
    /// Who can start a run.
    #[cfg_attr(not(test), expect(dead_code, reason = "the table in SECURITY.md is made of it"))]
    pub(crate) actor: Actor,
    /// What proves that the code is the repository's own.
    pub(crate) proof: Proof,
    /// Whether runs for forks of public repositories have neither secrets nor a token with write access.
    pub(crate) protects_forks: bool,
}

const fn rule(name: &'static str, actor: Actor, proof: Proof) -> EventRule {
    EventRule { name, actor, proof, protects_forks: false }
}

/// The rules for the events that start workflows of GitHub; source: docs.github.com, "Events that trigger workflows".
pub(crate) const EVENTS: &[EventRule] = &[
    rule("push", Actor::Writers, Proof::Event),
    rule("create", Actor::Writers, Proof::Event),
    rule("merge_group", Actor::Writers, Proof::Event),
    rule("release", Actor::Writers, Proof::Event),
    EventRule { protects_forks: true, ..rule("pull_request", Actor::Anyone, Proof::Head) },
    rule("pull_request_target", Actor::Anyone, Proof::Head),
    rule("pull_request_review", Actor::Anyone, Proof::Head),
    rule("pull_request_review_comment", Actor::Anyone, Proof::Head),
    rule("schedule", Actor::Service, Proof::Checkout),
    rule("workflow_dispatch", Actor::Writers, Proof::Checkout),
    rule("repository_dispatch", Actor::Writers, Proof::Checkout),
    rule("deployment", Actor::Writers, Proof::Checkout),
    rule("deployment_status", Actor::Writers, Proof::Checkout),
    rule("delete", Actor::Writers, Proof::Checkout),
    rule("branch_protection_rule", Actor::Writers, Proof::Checkout),
    rule("label", Actor::Writers, Proof::Checkout),
    rule("milestone", Actor::Writers, Proof::Checkout),
    rule("page_build", Actor::Writers, Proof::Checkout),
    rule("public", Actor::Writers, Proof::Checkout),
    rule("registry_package", Actor::Writers, Proof::Checkout),
    rule("image_version", Actor::Writers, Proof::Checkout),
    rule("workflow_run", Actor::Anyone, Proof::CleanCheckout),
    rule("issue_comment", Actor::Anyone, Proof::CleanCheckout),
    rule("issues", Actor::Anyone, Proof::CleanCheckout),
    rule("discussion", Actor::Anyone, Proof::CleanCheckout),
    rule("discussion_comment", Actor::Anyone, Proof::CleanCheckout),
    rule("check_run", Actor::Anyone, Proof::CleanCheckout),
    rule("check_suite", Actor::Anyone, Proof::CleanCheckout),
    rule("status", Actor::Anyone, Proof::CleanCheckout),
    rule("fork", Actor::Anyone, Proof::CleanCheckout),
    rule("watch", Actor::Anyone, Proof::CleanCheckout),
    rule("gollum", Actor::Anyone, Proof::CleanCheckout),
];

/// The rule for events that [`EVENTS`] does not list.
pub(crate) const OTHER_EVENT: EventRule = rule("any other event", Actor::Anyone, Proof::CleanCheckout);

/// Returns the rule for an event of GitHub.
pub(crate) fn rule_for(name: &str) -> EventRule {
    EVENTS.iter().copied().find(|rule| rule.name == name).unwrap_or(OTHER_EVENT)
}

/// What is known about a run, apart from its event.
pub(crate) struct Evidence<'a> {
    /// Whether the payload says that the head of the pull request is in this repository.
    pub(crate) is_own_head: bool,
    /// Whether the repository is public, by the payload. Others can be configured to send secrets and tokens with write
    /// access to runs for forks.
    pub(crate) is_public: bool,
    /// Whether the run has credentials.
    pub(crate) has_secrets: bool,
    /// Returns whether the checkout proves that the code is the repository's own. It is called if nothing else proves it.
    pub(crate) checkout: &'a dyn Fn(Proof) -> bool,
}

impl EventRule {
    /// Returns whose code the run has checked out.
    pub(crate) fn trust(&self, evidence: &Evidence<'_>) -> Trust {
        let is_proven = match self.proof {
            Proof::Event => true,
            Proof::Head => evidence.is_own_head,
            Proof::Checkout | Proof::CleanCheckout => (evidence.checkout)(self.proof),
        };
        let is_protected = self.protects_forks && evidence.is_public && !evidence.has_secrets;
        match (is_proven, is_protected) {
            (true, _) => Trust::Own,
            (false, true) => Trust::Fork,
            (false, false) => Trust::Exposed,
        }
    }

    /// Returns where the configuration of a run is read from, whose base is `base`: an event that gives the secrets of
    /// the repository to pull requests is always configured by the base.
    pub(crate) fn config(&self, trust: Trust, base: Option<String>) -> ConfigSource {
        let is_of_base = trust == Trust::Exposed || self.proof == Proof::Head && !self.protects_forks;
        if is_of_base { ConfigSource::Base(base) } else { ConfigSource::Checkout }
    }
}
