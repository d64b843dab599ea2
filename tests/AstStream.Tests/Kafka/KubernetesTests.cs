using AstStream.Station;
using AstStream.Streaming.Pipelines;
using AstStream.Worker;
using YamlDotNet.RepresentationModel;

namespace AstStream.Tests.Kafka;

/// <summary>deploy/kubernetes fits together: the pipeline is right, and ports, names and topics are the same everywhere.</summary>
public class KubernetesTests
{
    private static readonly string s_folder = Path.Combine(Reference.RepositoryFolder("deploy"), "kubernetes");

    [Fact]
    public void Pipeline_Station_AnswersWhereProbesAndPrometheusAsk()
    {
        Environment.SetEnvironmentVariable("STATION_TOKEN", "a token of sixteen characters");
        using var pipeline = Pipeline.Load(
            Path.Combine(s_folder, "pipeline.yaml"), ["sources.in.instance=worker-0"],
            new PipelineHost
            {
                Catalog = WorkerCatalog.All,
                DefaultModel = Path.Combine(AppContext.BaseDirectory, "pipelines/models/ast-audioset-tiny"),
            });
        var port = pipeline.Section<StationSettings>()!.Address!.Port.ToString(System.Globalization.CultureInfo.InvariantCulture);
        var worker = Read("worker.yaml")[0];
        var container = worker["spec"]["template"]["spec"]["containers"][0];
        var named = container["ports"][0];

        Assert.Equal(port, named["containerPort"].ToString());
        Assert.All(
            ["startupProbe", "livenessProbe", "readinessProbe"],
            probe => Assert.Equal(named["name"], container[probe]["httpGet"]["port"]));
        Assert.Equal("/health/live", container["livenessProbe"]["httpGet"]["path"].ToString());
        Assert.Equal(port, Read("protection.yaml")[1]["spec"]["ingress"][0]["ports"][0]["port"].ToString());
    }

    [Fact]
    public void Resources_AllFiles_AreListedAndMeanTheWorker()
    {
        var listed = ((YamlSequenceNode)Read("kustomization.yaml")[0]["resources"]).Select(n => n.ToString());
        var files = Directory.GetFiles(s_folder).Select(f => Path.GetFileName(f)!).Except(["kustomization.yaml", "pipeline.yaml"]);
        var labels = Read("worker.yaml")[0]["spec"]["template"]["metadata"]["labels"];
        var (budget, policy) = (Read("protection.yaml")[0], Read("protection.yaml")[1]);

        Assert.Equal(files.Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
        Assert.Equal(labels, budget["spec"]["selector"]["matchLabels"]);
        Assert.Equal(labels, policy["spec"]["podSelector"]["matchLabels"]);
    }

    private static List<YamlNode> Read(string name)
    {
        using var reader = new StreamReader(Path.Combine(s_folder, name));
        var yaml = new YamlStream();
        yaml.Load(reader);
        return [.. yaml.Documents.Select(d => d.RootNode)];
    }
}
