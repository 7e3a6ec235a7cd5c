//! The use case `doctor`: what a local render finds on this machine.

use super::outcome::{
    AdviceOutcome, DoctorOutcome, LayerOutcome, ProgramOutcome, RenderingOutcome, SandboxOutcome,
};
use crate::engine::{self, CaptureMode, Diagnosis};
use crate::fault::Error;

/// Finds the programs of local renders and the layers of the sandbox. Nothing is installed.
///
/// # Errors
/// Returns an error if the home directory is unknown.
pub(crate) fn doctor() -> Result<DoctorOutcome, Error> {
    let found = engine::diagnose()?;
    let advice = advice(&found);
    let rendering = RenderingOutcome {
        browser_source: found.browser.as_ref().map(|browser| browser.source.as_str()),
        capture: found.browser.as_ref().map(|browser| browser.capture_mode().as_str()),
        font_families: found.fonts.as_ref().map(|fonts| fonts.families),
        concurrency: found.capacity,
    };
    let programs = found.programs.into_iter().map(|program| ProgramOutcome {
        name: program.name,
        version: program.version,
        path: program.path,
    });
    let sandbox = found.sandbox.map(|sandbox| SandboxOutcome {
        layers: sandbox
            .layers()
            .iter()
            .map(|layer| LayerOutcome {
                name: layer.name(),
                holds_files: layer.holds_files(),
                holds_network: layer.holds_network(),
            })
            .collect(),
        missing: sandbox.missing().map(str::to_owned),
        renders_forks: sandbox.check_for_strangers().is_ok(),
    });
    Ok(DoctorOutcome {
        version: env!("CARGO_PKG_VERSION"),
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        programs: programs.collect(),
        rendering,
        sandbox,
        advice,
    })
}

/// Returns what would make local renders possible, faster, or more like those of other machines.
fn advice(found: &Diagnosis) -> Vec<AdviceOutcome> {
    let mut advice = Vec::new();
    let mut add = |message: String, remedy: String| advice.push(AdviceOutcome { message, remedy });
    let is_missing =
        |name: &str| found.programs.iter().any(|program| program.name == name && program.path.is_none());
    if is_missing("FFmpeg") {
        add("without FFmpeg, nothing can be rendered".to_owned(), install("ffmpeg", "FFmpeg"));
    }
    match &found.browser {
        None => add(
            "without a browser, nothing can be rendered".to_owned(),
            install("chromium-headless-shell", "Chrome or Chromium"),
        ),
        // No other system has a faster way.
        Some(browser) if browser.capture_mode() == CaptureMode::Screenshots && cfg!(target_os = "linux") => add(
            "frames are captured by screenshots, which takes about 1.3 times as long as with chrome-headless-shell"
                .to_owned(),
            format!(
                "{}, or run npx @puppeteer/browsers install chrome-headless-shell --path ~/.cache/puppeteer",
                install("chromium-headless-shell", "chrome-headless-shell")
            ),
        ),
        Some(_) => {}
    }
    if let Some(fonts) = &found.fonts {
        for (script, package) in &fonts.missing {
            let message =
                format!("no font has {script}, which render as boxes unless the project brings its fonts");
            add(message, install(package, "fonts"));
        }
    }
    for (format, encoder) in found.missing_encoders.iter().flatten() {
        add(
            format!("FFmpeg has no encoder {encoder}, so {format} cannot be rendered"),
            install("ffmpeg", "a complete build of FFmpeg"),
        );
    }
    advice
}

/// Returns how to install something.
fn install(package: &str, what: &str) -> String {
    format!("install {what} (Debian: apt install {package})")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use hyperframes_ci_core::options::Format;

    use super::*;
    use crate::engine::{Browser, BrowserSource, Fonts, ProgramState};

    fn messages(found: &Diagnosis) -> Vec<String> {
        advice(found).into_iter().map(|advice| format!("{}; {}", advice.message, advice.remedy)).collect()
    }

    #[test]
    fn what_is_missing_and_what_it_means_is_said() {
        let mut found = Diagnosis {
            programs: vec![ProgramState { name: "FFmpeg", path: None, version: None }],
            browser: None,
            fonts: Some(Fonts { families: 0, missing: vec![("emoji", "fonts-noto-color-emoji")] }),
            missing_encoders: Some(vec![(Format::Webm, "libvpx-vp9")]),
            capacity: 1,
            sandbox: None,
        };
        let all = messages(&found);
        for part in
            ["without FFmpeg", "without a browser", "fonts-noto-color-emoji", "webm cannot be rendered"]
        {
            assert!(all.iter().any(|message| message.contains(part)), "{part}: {all:?}");
        }
        found.programs[0].path = Some(PathBuf::from("/usr/bin/ffmpeg"));
        let path = PathBuf::from("/usr/bin/chromium");
        found.browser = Some(Browser { path, source: BrowserSource::System });
        found.fonts = None;
        found.missing_encoders = Some(Vec::new());
        let slow = messages(&found);
        assert_eq!(slow.len(), usize::from(cfg!(target_os = "linux")), "{slow:?}");
        let path = PathBuf::from("/usr/bin/chrome-headless-shell");
        found.browser = Some(Browser { path, source: BrowserSource::System });
        assert_eq!(messages(&found), Vec::<String>::new());
    }
}
