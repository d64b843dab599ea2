using AstStream.Events.Json;
using AstStream.Kafka.Blocks;
using AstStream.Streaming.Pipelines;
using AstStream.Worker;
using YamlDotNet.RepresentationModel;

namespace AstStream.Tests.Kafka;

/// <summary>What deploy/ says of the wire is what goes over it.</summary>
public class DeployTests
{
    private static readonly string s_folder = Path.Combine(AppContext.BaseDirectory, "deploy");

    [Fact]
    public void AsyncApi_HeadersAndTypes_AreThoseOfTheCode()
    {
        var root = Read("asyncapi.yaml");
        var headers = (YamlMappingNode)root["components"]["schemas"]["blockHeaders"]["properties"];
        Assert.Equal(
            [BlockFormat.EncodingHeader, BlockFormat.SampleRateHeader, BlockFormat.ChannelsHeader, BlockFormat.FirstSampleHeader,
                BlockFormat.CaptureTimeHeader, BlockFormat.SessionHeader],
            headers.Children.Keys.Select(k => k.ToString()));
        Assert.Equal(BlockFormat.Encodings.Keys, ((YamlSequenceNode)headers["encoding"]["enum"]).Select(n => n.ToString()));

        foreach (var (
            message, type) in new[] { ("event", RecordTypes.Event), ("coverage", RecordTypes.Coverage),
            ("scores", RecordTypes.Scores) })
        {
            var properties = root["components"]["messages"][message]["payload"]["allOf"][1]["properties"];
            Assert.Equal(type, properties["type"]["const"].ToString());
            Assert.Equal($"../schemas/{message}.v1.schema.json", properties["data"]["$ref"].ToString());
            Assert.True(File.Exists(Path.Combine(s_folder, properties["data"]["$ref"].ToString())));
        }
    }

    [Fact]
    public void Compose_Pipeline_IsRightAndNamesItsTopics()
    {
        var path = Path.Combine(s_folder, "pipeline.yaml");
        using var pipeline = Pipeline.Load(
            path, ["sources.in.instance=worker-1"],
            new PipelineHost
            {
                Catalog = WorkerCatalog.All,
                DefaultModel = Path.Combine(AppContext.BaseDirectory, "pipelines/models/ast-audioset-tiny")
            });
        var topics = Read("compose.yaml")["services"]["topics"]["command"][0].ToString();
        var group = Read("pipeline.yaml")["sources"]["in"]["group"].ToString();

        Assert.All(["audio", "audio-dead-letter", "events", $"{group}-state"],
            t => Assert.Contains($"\nt {t} --partitions", topics, StringComparison.Ordinal));
    }

    private static YamlNode Read(string name)
    {
        using var reader = new StreamReader(Path.Combine(s_folder, name));
        var yaml = new YamlStream();
        yaml.Load(reader);
        return yaml.Documents[0].RootNode;
    }
}
