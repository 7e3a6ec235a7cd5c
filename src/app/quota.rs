//! `quota`: the balance of the account and what it buys.

use hyperframes_ci_core::api::{Account, Balance, Request};
use hyperframes_ci_core::generated::{
    PRECISE_TRANSLATION_USD_PER_SECOND, PRESENTER_USD_PER_SECOND, SPEECH_USD_PER_SECOND,
    TRANSLATION_USD_PER_SECOND,
};

use super::outcome::{Purchase, QuotaOutcome};
use crate::fault::Error;
use crate::heygen::environment;
use crate::heygen::transport::CallError;
use crate::system::random;

/// Kinds of media and their prices in US dollars per second. The price of renders is not published.
const PRICES: &[(&str, f64)] = &[
    ("speech", SPEECH_USD_PER_SECOND),
    ("presenter", PRESENTER_USD_PER_SECOND),
    ("translation", TRANSLATION_USD_PER_SECOND),
    ("precise translation", PRECISE_TRANSLATION_USD_PER_SECOND),
];

/// Asks for the balance of the account.
///
/// # Errors
/// Returns an error if there is no credential or the API call fails.
pub(crate) fn quota() -> Result<QuotaOutcome, Error> {
    let transport = environment::transport()?;
    let response = transport.call(&Request::account(), environment::max_retries()?, random())?;
    Ok(outcome(&response.data().map_err(CallError::from)?))
}

fn outcome(account: &Account) -> QuotaOutcome {
    let funds = account.funds();
    let unlimited = funds.as_ref().is_some_and(|funds| funds.amount.is_infinite());
    let known = funds.filter(|funds| funds.amount.is_finite());
    let usd = known.as_ref().filter(|funds| funds.currency.as_deref() == Some("usd"));
    let buys = PRICES.iter().map(|(media, price)| Purchase {
        media,
        usd_per_second: *price,
        seconds: usd.map(|funds| (funds.amount / price).max(0.0)),
    });
    let buys = buys.collect();
    let (balance, currency) = match known {
        Some(Balance { amount, currency }) => (Some(amount), currency),
        None => (None, None),
    };
    QuotaOutcome { billing_type: account.billing_type.clone(), balance, currency, unlimited, buys }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of(account: Value) -> (Option<f64>, Option<String>, bool, Option<f64>) {
        let quota = outcome(&serde_json::from_value(account).expect("an account"));
        (quota.balance, quota.currency, quota.unlimited, quota.buys[1].seconds)
    }

    #[test]
    fn only_dollars_buy_what_has_a_price() {
        let wallet = |left: Value, currency: &str| json!({ "billing_type": "wallet", "wallet": { "currency": currency, "remaining_balance": left } });
        let usd = Some("usd".to_owned());
        assert_eq!(of(wallet(json!(5), "USD")), (Some(5.0), usd.clone(), false, Some(50.0)));
        assert_eq!(of(wallet(json!("-1"), "usd")), (Some(-1.0), usd.clone(), false, Some(0.0)));
        assert_eq!(of(wallet(json!(5), "eur")), (Some(5.0), Some("eur".to_owned()), false, None));
        let credits = json!({ "billing_type": "subscription",
            "subscription": { "credits": { "premium_credits": { "remaining": 30 } } } });
        assert_eq!(of(credits), (Some(30.0), None, false, None));
        let capped = |cap: Value| {
            json!({ "billing_type": "usage_based",
                "usage_based": { "spending_current_usd": 1, "spending_cap_usd": cap } })
        };
        assert_eq!(of(capped(json!(3))), (Some(2.0), usd, false, Some(20.0)));
        assert_eq!(of(capped(Value::Null)), (None, None, true, None));
        assert_eq!(of(json!({})), (None, None, false, None));
    }
}
