//! The page of a pull request on the previews branch: it leads to the pages of its jobs.

use crate::ci::sections::SectionFile;

/// The name of the page, which static hosts show for a folder.
pub(super) const NAME: &str = "index.html";

/// Returns the page, or `None` if no job has one.
pub(super) fn page(sections: &SectionFile) -> Option<String> {
    let pages = sections.files().filter(|name| is_page(name)).collect::<Vec<_>>();
    let body = match pages.as_slice() {
        [] => return None,
        [only] => format!(
            "<meta http-equiv=\"refresh\" content=\"0; url=./{only}\"><p><a href=\"./{only}\">Preview</a></p>"
        ),
        several => {
            let links = several.iter().enumerate();
            let links =
                links.map(|(index, name)| format!("<li><a href=\"./{name}\">Preview {}</a></li>", index + 1));
            format!("<h1>Previews</h1><ul>{}</ul>", links.collect::<String>())
        }
    };
    Some(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; base-uri 'none'; form-action 'none'\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"robots\" content=\"noindex\">\
         <title>Previews · HyperFrames</title>{body}</html>\n"
    ))
}

/// Returns whether a file is the page of a job. Whoever can write the branch can write other names.
fn is_page(name: &str) -> bool {
    let digest = name.strip_prefix("preview-").and_then(|rest| rest.strip_suffix(".html"));
    digest.is_some_and(|digest| !digest.is_empty() && digest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sections(names: &[&str]) -> SectionFile {
        let section = json!({ "key": "k", "commit": "c", "time": 1, "texts": [], "files": names });
        SectionFile::read(&json!({ "sections": [section] }).to_string())
    }

    #[test]
    fn the_page_leads_to_those_of_the_jobs() {
        assert_eq!(page(&sections(&["a.mp4", "preview-\"><script>.html", "preview-.html"])), None);
        let one = page(&sections(&["a.mp4", "preview-0a.html"])).expect("a page");
        assert!(one.contains("url=./preview-0a.html") && !one.contains("a.mp4"), "{one}");
        let two = page(&sections(&["preview-0a.html", "preview-0b.html"])).expect("a page");
        assert!(two.contains("Preview 2") && !two.contains("refresh"), "{two}");
    }
}
