//! Compiles the `.proto` files without protoc.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = ["opamp/v1/opamp.proto", "collector/v1/collector.proto", "otlp/v1/metrics.proto"];
    for file in files {
        println!("cargo::rerun-if-changed={file}");
    }
    if std::env::var_os("CARGO_FEATURE_WIRE").is_none() {
        return Ok(());
    }
    let descriptors = protox::compile(files, ["."])?;
    prost_build::Config::new()
        .bytes([".opamp.v1.AgentConfigFile", ".collector.v1.AgentConfigFile"])
        .btree_map(["."])
        .compile_fds(descriptors)?;
    Ok(())
}
