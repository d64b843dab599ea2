using System.Diagnostics;
using System.Text.Json;
using AstStream.Kafka;
using AstStream.Kafka.Cluster;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace AstStream.LoadTest;

/// <summary>
/// The broker of a test or a trial: librdkafka's mock cluster in a process of its own, or the real one that ASTSTREAM_KAFKA names. Only the
/// mock can be made to fail.
/// </summary>
internal sealed class Broker : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(45);

    private readonly Process? _mock;

    private Broker(string servers, Process? mock) => (Servers, _mock) = (servers, mock);

    /// <summary>The real cluster's servers; null where there is none.</summary>
    public static string? Real => Environment.GetEnvironmentVariable("ASTSTREAM_KAFKA") is { Length: > 0 } servers ? servers : null;

    public string Servers { get; }

    public bool IsMock => _mock is not null;

    /// <summary>The real cluster where there is one, else a mock.</summary>
    public static Broker Any(int brokers = 1) => Real is { } servers ? new Broker(servers, null) : Mock(brokers);

    public static Broker Mock(int brokers = 1)
    {
        var start = new ProcessStartInfo(
            "dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, "AstStream.MockBroker.dll"), $"{brokers}"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var process = Process.Start(start)!;
        process.BeginErrorReadLine();
        return new Broker(
            process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("the mock cluster did not start"), process);
    }

    /// <summary>A topic of a name of its own.</summary>
    public string Topic(string name, int partitions = 2, int? maxMessageBytes = null)
    {
        var topic = $"{name}-{Guid.NewGuid():N}"[..Math.Min(name.Length + 9, 60)];
        if (_mock is not null)
        {
            Tell($"topic {topic} {partitions}");
            return topic;
        }

        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = Servers }).Build();
        var settings = new Dictionary<string, string>();
        if (maxMessageBytes is { } most)
            settings["max.message.bytes"] = $"{most}";
        admin.CreateTopicsAsync([new TopicSpecification { Name = topic, NumPartitions = partitions, Configs = settings }])
            .GetAwaiter().GetResult();
        return topic;
    }

    /// <summary>The data of the CloudEvents that a topic holds, committed ones only.</summary>
    public List<JsonElement> Read(string topic)
    {
        var found = new List<JsonElement>();
        KafkaTools.Tail(
            new KafkaAccess(Servers, new Dictionary<string, string>()), topic, isFromBeginning: true, untilEnd: true,
            (_, _, _, data) => found.Add(data!.Value), CancellationToken.None);
        return found;
    }

    /// <summary>All messages of a topic's first partition, committed ones only.</summary>
    public List<Message<string, byte[]?>> Messages(string topic)
    {
        using var consumer = new ConsumerBuilder<string, byte[]?>(
            new ConsumerConfig { BootstrapServers = Servers, GroupId = "all", EnablePartitionEof = true }).Build();
        consumer.Assign(new TopicPartitionOffset(topic, 0, Offset.Beginning));
        var messages = new List<Message<string, byte[]?>>();
        while (consumer.Consume(s_patience) is { IsPartitionEOF: false } result)
            messages.Add(result.Message);
        return messages;
    }

    /// <summary>Gives the mock a command.</summary>
    public void Tell(string command)
    {
        _mock!.StandardInput.WriteLine(command);
        if (_mock.StandardOutput.ReadLine() is not "ok" and var answer)
            throw new InvalidOperationException($"the mock cluster answers '{answer}' to '{command}'");
    }

    public void Dispose()
    {
        if (_mock is null)
            return;
        _mock.StandardInput.Close();
        if (!_mock.WaitForExit(10_000))
            _mock.Kill();
        _mock.Dispose();
    }
}
