//! Renders in an AWS account, with the official tooling, against a stand-in of AWS: moto's S3 and Step Functions.
//!
//! Real are the official command line and SDK, their requests, the names and the states of executions, the bucket and the
//! bytes in it. What Lambda would do is not: the state machine of the tests has the names of the official one's states, but
//! it copies a video that the local engine has rendered before to where the execution is told to put its own, and a row
//! with the title "broken" ends as one does whose font cannot be fetched.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Ran, command, names, project, run_in, show, write};

const BUCKET: &str = "renders-of-the-tests";
const REGION: &str = "eu-west-1";

struct Aws {
    server: Child,
    url: String,
    machine: String,
}

impl Aws {
    /// An account with a stack; `seconds` is how long a render takes.
    fn start(seconds: u64) -> Self {
        let program =
            std::env::var_os("HYPERFRAMES_CI_TEST_MOTO").expect("cargo xtask test lambda names moto");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut aws = Self { server, url: format!("http://127.0.0.1:{port}"), machine: String::new() };
        let mut tries = 0;
        while ureq::get(format!("{}/moto-api/config", aws.url)).call().is_err() {
            tries += 1;
            assert!(tries < 300, "moto does not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        let settings = json!({ "stepfunctions": { "execute_state_machine": true } });
        ureq::post(format!("{}/moto-api/config", aws.url))
            .header("content-type", "application/json")
            .send(settings.to_string())
            .unwrap();
        let place = format!(
            "<CreateBucketConfiguration><LocationConstraint>{REGION}</LocationConstraint></CreateBucketConfiguration>"
        );
        ureq::put(format!("{}/{BUCKET}", aws.url)).send(place).unwrap();
        for format in ["mp4", "webm"] {
            let video = rendered(format);
            ureq::put(format!("{}/{BUCKET}/fixtures/video.{format}", aws.url)).send(&video[..]).unwrap();
        }
        let made = aws.states(
            "CreateStateMachine",
            &json!({ "name": "hyperframes-default-render",
            "definition": machine(seconds).to_string(), "roleArn": "arn:aws:iam::123456789012:role/render" }),
        );
        aws.machine = made["stateMachineArn"].as_str().unwrap().to_owned();
        aws
    }

    /// A call of Step Functions.
    fn states(&self, action: &str, body: &Value) -> Value {
        let mut answer = ureq::post(&self.url)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("AWSStepFunctions.{action}"))
            .header("authorization", signed("states"))
            .send(body.to_string())
            .unwrap();
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
    }

    /// The names of executions, and how they stand.
    fn executions(&self) -> Vec<(String, String)> {
        let listed = self.states("ListExecutions", &json!({ "stateMachineArn": self.machine }));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let executions = listed["executions"].as_array().unwrap().iter();
        executions.map(|one| (text(&one["name"]), text(&one["status"]))).collect()
    }

    /// What an execution was told.
    fn input(&self, name: &str) -> Value {
        let arn = format!("{}:{name}", self.machine.replace(":stateMachine:", ":execution:"));
        let described = self.states("DescribeExecution", &json!({ "executionArn": arn }));
        serde_json::from_str(described["input"].as_str().unwrap()).unwrap()
    }

    /// The objects below a folder of the bucket.
    fn objects(&self, folder: &str) -> Vec<String> {
        let url = format!("{}/{BUCKET}?list-type=2&prefix={folder}/", self.url);
        let text = ureq::get(url).call().unwrap().body_mut().read_to_string().unwrap();
        text.split("<Key>").skip(1).filter_map(|rest| Some(rest.split_once("</Key>")?.0.to_owned())).collect()
    }

    /// A repository with a project, and what the official tooling would have written down about the stack.
    fn repository(&self) -> tempfile::TempDir {
        let folder = project();
        self.write_stack(folder.path());
        folder
    }

    fn write_stack(&self, folder: &Path) {
        let stack = json!({ "stackName": "hyperframes-default", "region": REGION, "bucketName": BUCKET,
            "stateMachineArn": self.machine, "functionName": "render", "lambdaMemoryMb": 10240,
            "deployedAt": "2026-01-01T00:00:00Z" });
        write(folder, ".hyperframes/lambda-stack-hyperframes-default.json", &stack.to_string());
    }

    fn command(&self) -> Command {
        let mut command = command();
        command.env("AWS_ENDPOINT_URL", &self.url).env("AWS_EC2_METADATA_DISABLED", "true");
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        command.args(["render", "--renderer", "lambda", "--json"]);
        command
    }

    fn render(&self, folder: &Path, flags: &[&str]) -> Ran {
        Ran::of(self.command().args(flags).current_dir(folder))
    }
}

/// A signature that says which service is asked; moto looks at nothing else of it.
fn signed(service: &str) -> String {
    format!("AWS4-HMAC-SHA256 Credential=a/20260101/{REGION}/{service}/aws4_request")
}

impl Drop for Aws {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A video of the project, by the local engine.
pub(crate) fn rendered(format: &str) -> Vec<u8> {
    static VIDEOS: std::sync::Mutex<Vec<(String, Vec<u8>)>> = std::sync::Mutex::new(Vec::new());
    let mut videos = VIDEOS.lock().unwrap();
    if let Some((_, video)) = videos.iter().find(|(of, _)| of == format) {
        return video.clone();
    }
    let folder = project();
    run_in(folder.path(), &["render", "--renderer", "local", "--format", format, "-o", "out/video"]).ok();
    let video = fs::read(folder.path().join("out/video")).unwrap();
    videos.push((format.to_owned(), video.clone()));
    video
}

/// A state machine with the names of the official one's states.
fn machine(seconds: u64) -> Value {
    let part = |at: u32| format!("States.ArrayGetItem(States.StringSplit($.OutputS3Uri,'/'),{at})");
    let title = "$.Config.variables.title";
    json!({ "StartAt": "PlanV2", "States": {
        "PlanV2": { "Type": "Choice", "Default": "RenderChunkV2", "Choices": [
            { "And": [{ "Variable": title, "IsPresent": true }, { "Variable": title, "StringEquals": "broken" }],
              "Next": "Broken" }] },
        "Broken": { "Type": "Fail", "Error": "FONT_FETCH_FAILED", "Cause": "no such font" },
        "RenderChunkV2": { "Type": "Wait", "Seconds": seconds, "Next": "AssembleV2" },
        "AssembleV2": { "Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:copyObject", "End": true,
            "Parameters": {
                "Bucket.$": part(1),
                "Key.$": format!("States.Format('{{}}/{{}}/{{}}',{},{},{})", part(2), part(3), part(4)),
                "CopySource.$": format!("States.Format('{BUCKET}/fixtures/video.{{}}',$.Config.format)") },
            // Moto cannot tell the date of the copy.
            "ResultSelector": {}, "ResultPath": "$.Copied" },
    } })
}

#[test]
#[ignore = "needs moto: cargo xtask test lambda"]
fn a_render_is_started_once_whoever_asks_for_it() {
    let aws = Aws::start(1);
    let folder = aws.repository();
    let ran = aws.render(folder.path(), &["-o", "renders/first.mp4"]).ok();
    let result = ran.json();
    let name = result["key"].as_str().unwrap();
    assert_eq!(aws.executions(), [(name.to_owned(), "SUCCEEDED".to_owned())]);
    assert_eq!(
        result["render"]["render_id"],
        aws.machine.replace(":stateMachine:", ":execution:") + ":" + name
    );
    assert_eq!((&result["reused"], &result["video"]["width"]), (&json!(false), &json!(1280)));
    assert_eq!(aws.objects("sites").len(), 1);
    assert_eq!(fs::read(folder.path().join("renders/first.mp4")).unwrap(), rendered("mp4"));
    assert_eq!(names(&folder.path().join("renders")), ["first.mp4"], "nothing half-written is left");
    // From another machine: found by its name, and neither uploaded nor started again.
    let other = aws.repository();
    let again = aws.render(other.path(), &["-o", "renders/second.mp4"]).ok().json();
    assert_eq!((&again["reused"], &again["cost_usd"]), (&json!(true), &json!(0.0)));
    assert_eq!((aws.executions().len(), aws.objects("sites").len()), (1, 1));
    assert!(other.path().join("renders/second.mp4").is_file());
    // Whoever wants another gets one, of the same site.
    aws.render(other.path(), &["--no-reuse"]).ok();
    assert_eq!((aws.executions().len(), aws.objects("sites").len()), (2, 1));
    // One that is too old, or whose video is gone, makes room for the next.
    let old = aws.render(other.path(), &["--reuse-window", "0"]).ok().json();
    assert_eq!((&old["reused"], aws.executions().len()), (&json!(false), 3));
    for execution in [name, old["key"].as_str().unwrap()] {
        let video = format!("{}/{BUCKET}/renders/{execution}/output.mp4", aws.url);
        ureq::delete(video).header("authorization", signed("s3")).call().unwrap();
    }
    let new = aws.render(other.path(), &["-o", "renders/third.mp4"]).ok().json();
    assert_eq!((&new["reused"], aws.executions().len()), (&json!(false), 4));
    assert!(other.path().join("renders/third.mp4").is_file());
}

#[test]
#[ignore = "needs moto: cargo xtask test lambda"]
fn a_batch_fans_out_from_one_site() {
    let aws = Aws::start(1);
    let folder = aws.repository();
    let row = |number: u32| match number {
        3 => json!({ "title": "broken" }),
        5 | 6 => json!({ "variables": { "title": format!("film {number}") }, "format": "webm", "fps": 60 }),
        _ => json!({ "title": format!("film {number}") }),
    };
    let rows =
        |of: std::ops::RangeInclusive<u32>| of.map(|number| format!("{}\n", row(number))).collect::<String>();
    write(folder.path(), "rows.jsonl", &rows(1..=8));
    let flags = ["--batch", "rows.jsonl", "-o", "films/{index}.{ext}", "--concurrency", "4"];
    let ran = aws.render(folder.path(), &flags);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stdout.contains("FONT_FETCH_FAILED: no such font"), "{ran:?}");
    let films = ["1.mp4", "2.mp4", "4.mp4", "5.webm", "6.webm", "7.mp4", "8.mp4"];
    assert_eq!(names(&folder.path().join("films")), films);
    let failed = |aws: &Aws| aws.executions().iter().filter(|(_, status)| status == "FAILED").count();
    assert_eq!((aws.executions().len(), failed(&aws), aws.objects("sites").len()), (8, 1, 1));
    // Again: what is there is there, and what failed is not tried unless somebody says so.
    assert_eq!(aws.render(folder.path(), &flags).code, 1);
    assert_eq!(aws.executions().len(), 8);
    assert_eq!(aws.render(folder.path(), &[&flags[..], &["--retry-failed"]].concat()).code, 1);
    assert_eq!((aws.executions().len(), failed(&aws)), (9, 2), "one more of the one that failed");
    // Without the manifest everything is found by its name; what has failed is tried once more.
    fs::remove_dir_all(folder.path().join("films")).unwrap();
    fs::remove_dir_all(folder.path().join("renders")).unwrap();
    let ran = aws.render(folder.path(), &flags);
    assert_eq!(names(&folder.path().join("films")), films, "{ran:?}");
    assert_eq!((aws.executions().len(), failed(&aws)), (10, 3));
}

#[test]
#[ignore = "needs moto: cargo xtask test lambda"]
fn a_batch_that_is_killed_starts_nothing_twice() {
    let aws = Aws::start(2);
    let folder = aws.repository();
    let rows = (0..12).map(|number| format!("{}\n", json!({ "title": format!("film {number}") })));
    write(folder.path(), "rows.jsonl", &rows.collect::<String>());
    let flags = ["--batch", "rows.jsonl", "-o", "films/{index}.{ext}", "--concurrency", "6"];
    let mut kills = Vec::new();
    for most in [1, 7] {
        let mut command = aws.command();
        let command =
            command.args(flags).current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        // In the middle of starting, and in the middle of following.
        while aws.executions().len() < most {
            std::thread::sleep(Duration::from_millis(20));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills.push(aws.executions().len());
        // Without what it has written down, which a runner forgets.
        if most == 1 {
            let _ = fs::remove_dir_all(folder.path().join("renders"));
        }
    }
    aws.render(folder.path(), &flags).ok();
    let films = names(&folder.path().join("films"));
    assert_eq!(films.iter().filter(|name| name.ends_with(".mp4")).count(), 12, "{films:?}");
    let mut executions = aws.executions();
    executions.sort();
    executions.dedup();
    assert_eq!((executions.len(), aws.objects("sites").len()), (12, 1));
    show(
        "lambda.txt",
        &format!("batch on Lambda: 12 rows, killed at {kills:?} executions: 12 executions, 1 upload\n"),
    );
}

#[test]
#[ignore = "needs moto: cargo xtask test lambda"]
fn what_is_not_done_in_time_goes_on_and_is_gone_on_with() {
    let aws = Aws::start(8);
    let folder = aws.repository();
    write(folder.path(), "rows.jsonl", "{\"title\": \"slow\"}\n");
    let flags = ["--batch", "rows.jsonl", "-o", "films/{index}.{ext}"];
    let ran = aws.render(folder.path(), &[&flags[..], &["--max-wait", "0.05"]].concat());
    assert!(ran.code == 4 && ran.stdout.contains("timed out; the render is still running"), "{ran:?}");
    fs::remove_file(folder.path().join("rows.jsonl")).unwrap();
    let ran = aws.render(folder.path(), &["--max-wait", "0.05", "--variables", "{\"title\": \"slow\"}"]);
    assert_eq!((ran.code, aws.executions().len()), (4, 1), "the same render: {ran:?}");
    write(folder.path(), "rows.jsonl", "{\"title\": \"slow\"}\n");
    aws.render(folder.path(), &flags).ok();
    assert_eq!((aws.executions().len(), names(&folder.path().join("films"))), (1, vec!["1.mp4".to_owned()]));
}

#[test]
#[ignore = "needs moto: cargo xtask test lambda"]
fn the_options_reach_the_execution() {
    let aws = Aws::start(0);
    let folder = aws.repository();
    let video = ["--codec", "h265", "--width", "3840", "--height", "2160"];
    let chunks = ["--target-chunk-frames", "120", "--max-parallel-chunks", "8"];
    let ran = aws.render(folder.path(), &[&video[..], &chunks].concat()).ok();
    let result = ran.json();
    let config = &aws.input(result["key"].as_str().unwrap())["Config"];
    let told = ["codec", "outputResolution", "width", "height", "targetChunkFrames", "maxParallelChunks"];
    assert_eq!(
        told.map(|name| config[name].clone()),
        [json!("h265"), json!("landscape-4k"), json!(1280), json!(720), json!(120), json!(8)]
    );
    // The stand-in renders neither.
    for mismatch in ["codec is h264 instead of hevc", "dimensions are 1280x720 instead of 3840x2160"] {
        assert!(result["mismatches"].as_array().unwrap().contains(&json!(mismatch)), "{ran:?}");
    }
    // The same video, however it is divided; the same size, said or not.
    let again = aws.render(folder.path(), &video).ok().json();
    assert_eq!((&again["key"], &again["reused"]), (&result["key"], &json!(true)));
    let other = aws.render(folder.path(), &video[2..]).ok().json();
    assert_ne!(other["key"], result["key"]);
    // The keys of a file, and the variables of the environment.
    write(folder.path(), "hyperframes-ci.toml", "[defaults]\nchunk-size = 60\ncodec = \"h264\"\n");
    let mut command = aws.command();
    command.env("HYPERFRAMES_CI_MAX_PARALLEL_CHUNKS", "4").current_dir(folder.path());
    let configured = Ran::of(&mut command).ok().json();
    let config = &aws.input(configured["key"].as_str().unwrap())["Config"];
    let told = ["codec", "chunkSize", "maxParallelChunks", "outputResolution"];
    assert_eq!(told.map(|name| config[name].clone()), [json!("h264"), json!(60), json!(4), Value::Null]);
    assert_eq!(aws.executions().len(), 3);
}

#[test]
#[ignore = "needs moto: cargo xtask test lambda"]
fn a_profile_has_the_credentials() {
    let aws = Aws::start(0);
    let folder = aws.repository();
    write(
        folder.path(),
        "credentials",
        "[renders]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = s\n",
    );
    let run = |flags: &[&str]| {
        let mut command = aws.command();
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        command.env("AWS_SHARED_CREDENTIALS_FILE", folder.path().join("credentials"));
        Ran::of(command.args(flags).current_dir(folder.path()))
    };
    assert_eq!(run(&[]).code, 3);
    assert_eq!(run(&["--lambda-profile", "other"]).code, 3);
    run(&["--lambda-profile", "renders", "--lambda-region", REGION]).ok();
    let ran = run(&["--lambda-profile", "renders", "--lambda-region", "us-east-1"]);
    assert_eq!((ran.code, ran.error()["code"].as_str()), (2, Some("stack_unknown")), "{ran:?}");
    assert!(ran.stderr.contains("is in eu-west-1, not in us-east-1"), "{ran:?}");
}

#[test]
#[ignore = "needs moto: cargo xtask test lambda"]
fn what_cannot_work_is_told_with_its_remedy() {
    let aws = Aws::start(1);
    let folder = aws.repository();
    let error = |ran: Ran| {
        let envelope = ran.error();
        (ran.code, envelope["code"].as_str().unwrap().to_owned(), envelope["hint"].to_string())
    };
    let mut nobody = aws.command();
    nobody.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    let ran = Ran::of(nobody.current_dir(folder.path()));
    let (code, name, hint) = error(ran);
    assert_eq!((code, name.as_str()), (3, "not_authenticated"));
    assert!(hint.contains("aws-actions/configure-aws-credentials"), "{hint}");
    let (code, name, hint) = error(aws.render(folder.path(), &["--lambda-stack", "prod"]));
    assert_eq!((code, name.as_str()), (2, "stack_unknown"));
    assert!(hint.contains("hyperframes-default"), "{hint}");
    for flags in [
        &["--fps", "25"][..],
        &["--no-wait"],
        &["--min-balance", "1"],
        &["--lambda-version", "latest"],
        &["--width", "1920", "--height", "1080"],
        &["--width", "1280"],
        &["--resolution", "1080p"],
        &["--codec", "h265", "--format", "webm"],
        &["--chunk-size", "3601"],
    ] {
        assert_eq!(aws.render(folder.path(), flags).code, 2, "{flags:?}");
    }
    assert_eq!(aws.render(folder.path(), &["--max-renders", "0"]).code, 6);
    let rows = json!([{ "title": "a" }, { "variables": { "title": "b" }, "fps": 25 }]);
    write(folder.path(), "rows.json", &rows.to_string());
    let ran = aws.render(folder.path(), &["--batch", "rows.json"]);
    assert!(ran.code == 5 && ran.stderr.contains("does not support 25 frames per second"), "{ran:?}");
    assert_eq!(
        (aws.executions().len(), aws.objects("sites").len()),
        (0, 0),
        "nothing was started or uploaded"
    );
    // A bucket that is not there: as the tooling says it.
    let stack =
        fs::read_to_string(folder.path().join(".hyperframes/lambda-stack-hyperframes-default.json")).unwrap();
    write(folder.path(), ".hyperframes/lambda-stack-lost.json", &stack.replace(BUCKET, "no-such-bucket"));
    let (code, name, _) = error(aws.render(folder.path(), &["--lambda-stack", "lost"]));
    assert_eq!((code, name.as_str()), (1, "lambda_tooling_failed"));
    assert!(names(&folder.path().join("renders")).is_empty());
}
