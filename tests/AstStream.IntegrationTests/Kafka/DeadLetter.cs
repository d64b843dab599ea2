using System.Text;
using AstStream.LoadTest;
using Confluent.Kafka;

namespace AstStream.IntegrationTests.Kafka;

/// <summary>A record that could not be used, as it lies in its topic.</summary>
internal sealed record DeadLetter(string Key, Headers Headers)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(45);

    public string Header(string name) => Encoding.UTF8.GetString(Headers.GetLastBytes(name));

    /// <summary>All that are in a topic.</summary>
    public static List<DeadLetter> All(Broker broker, string topic)
    {
        using var consumer = new ConsumerBuilder<string, byte[]?>(
            new ConsumerConfig
            {
                BootstrapServers = broker.Servers,
                GroupId = "letters",
                EnablePartitionEof = true,
                FetchMaxBytes = 100_000_000,
                IsolationLevel = IsolationLevel.ReadCommitted
            }).Build();
        consumer.Assign(new TopicPartitionOffset(topic, 0, Offset.Beginning));
        var letters = new List<DeadLetter>();
        while (true)
        {
            var result = consumer.Consume(s_patience);
            if (result.IsPartitionEOF)
                return letters;
            letters.Add(new DeadLetter(result.Message.Key, result.Message.Headers));
        }
    }
}
