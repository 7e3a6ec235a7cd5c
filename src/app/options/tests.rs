use std::ffi::OsStr;
use std::time::Duration;

use hyperframes_ci_core::options::FrameRate;

use super::*;
use crate::app::spec::RenderSpec;

fn check(name: &str, value: &str) -> Result<RenderSpec, String> {
    let mut spec = RenderSpec::default();
    let option = option(name).expect("an option");
    (option.set)(&mut spec, OsStr::new(value)).map(|()| spec)
}

#[test]
fn defaults_match_the_specification() {
    for option in OPTIONS {
        if let Fallback::Value(value) = option.fallback {
            assert_eq!(check(option.name, value), Ok(RenderSpec::default()), "{}", option.name);
        }
    }
}

#[test]
fn listed_words_are_accepted() {
    for option in OPTIONS {
        if let Kind::OneOf(words) = option.kind {
            for word in words() {
                assert!(check(option.name, word).is_ok(), "{} {word}", option.name);
            }
            assert!(check(option.name, "nonsense").is_err(), "{}", option.name);
        }
    }
}

#[test]
fn conflicts_name_options() {
    for known in OPTIONS {
        assert!(known.conflicts.iter().all(|name| option(name).is_some()), "{}", known.name);
    }
}

#[test]
fn numbers_with_trailing_text_are_rejected() {
    for bad in ["0", "241", "30abc", "", "-1", "29.97", "1e2"] {
        assert!(check("fps", bad).is_err(), "{bad}");
    }
    assert_eq!(check("fps", "240").map(|spec| spec.request.fps), Ok(Some(FrameRate::from(240))));
    let rate = check("fps", "30000/1001").map(|spec| spec.request.fps.map(|rate| rate.to_string()));
    assert_eq!(rate, Ok(Some("30000/1001".to_owned())));
    for good in ["10M", "800k", "2.5M", "5000000"] {
        assert_eq!(
            check("video-bitrate", good).map(|spec| spec.request.video_bitrate),
            Ok(Some(good.to_owned()))
        );
    }
    for bad in ["", "0", "M", "-1M", "10MB", "1e6", "inf", "10 M", "1.2.3M"] {
        assert!(check("video-bitrate", bad).is_err(), "{bad}");
    }
    for (bad, name) in
        [("64", "crf"), ("-1", "crf"), ("65536", "gif-loop"), ("0", "workers"), ("65", "workers")]
    {
        assert!(check(name, bad).is_err(), "{name} {bad}");
    }
    for bad in ["0.5", "10abc", "inf", "NaN", "1e5", "-3", "99999999999999999999999"] {
        assert!(check("poll-interval", bad).is_err(), "{bad}");
    }
    let poll = check("poll-interval", "2.5").map(|spec| spec.run.poll_interval);
    assert_eq!(poll, Ok(Duration::from_millis(2500)));
    assert_eq!(check("max-wait", "0.5").map(|spec| spec.run.max_wait), Ok(Duration::from_secs(30)));
}

#[test]
fn only_https_urls_are_accepted() {
    assert!(https_url("https://hooks.example/x?y=1").is_ok());
    for bad in ["http://hooks.example", "ftp://x", "hooks.example", "https://", "javascript:alert(1)"] {
        assert!(https_url(bad).is_err(), "{bad}");
    }
}
