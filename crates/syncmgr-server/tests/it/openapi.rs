//! The description of the API, as it is published.

use expect_test::expect_file;

#[test]
fn the_description_is_as_published() {
    let description = syncmgr_server::openapi::description();
    let text = serde_json::to_string_pretty(&description).unwrap() + "\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi/syncmgr-v1.json");
    expect_file![path].assert_eq(&text);
    assert!(text.contains("\"openapi\": \"3.1.0\""));
}
