using AstStream.Events;
using AstStream.Events.Json;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Telemetry;
using Confluent.SchemaRegistry;

namespace AstStream.Kafka.Producing;

/// <summary>The schemas of a sink's records in a Confluent Schema Registry, by whose numbers readers find them.</summary>
/// <param name="options">Which registry, and under which subjects.</param>
/// <param name="topic">The sink's topic.</param>
internal sealed class SchemaRegistration(SchemaOptions options, string topic) : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30); // beyond the client's own time limits

    private readonly CachedSchemaRegistryClient _client = new(options.Settings);
    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);

    /// <summary>Makes a client and lets go of it: what it does not take is known then.</summary>
    /// <exception cref="ArgumentException">A setting is wrong.</exception>
    public static void Check(SchemaOptions options) => new CachedSchemaRegistryClient(options.Settings).Dispose();

    public void Dispose() => _client.Dispose();

    /// <summary>The number of a record's schema; null where the registry was not asked yet.</summary>
    public int? Known(StreamRecord record) => _ids.TryGetValue(NameOf(record), out var id) ? id : null;

    /// <summary>Asks the registry for it. One record at a time.</summary>
    /// <exception cref="SinkException">It does not answer, or does not have or take the schema: it may later.</exception>
    public async Task AskAsync(StreamRecord record, CancellationToken cancellation)
    {
        var name = NameOf(record);
        var subject = options.Subject(topic, $"aststream.{name}.v1");
        var schema = new Schema(RecordSchema.Of(name), SchemaType.Json);
        try
        {
            var asked = options.Registers
                ? _client.RegisterSchemaAsync(subject, schema) : _client.GetSchemaIdAsync(subject, schema);
            _ids[name] = await asked.WaitAsync(s_patience, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or TimeoutException or SchemaRegistryException or TaskCanceledException
            && !cancellation.IsCancellationRequested)
        {
            throw new SinkException(
                $"schema registry {options.Name}, subject {subject}: {Printable.Text(Why(e).ReplaceLineEndings(" "))}", isTransient: true);
        }
    }

    private string Why(Exception e) => e switch
    {
        SchemaRegistryException { ErrorCode: 40401 or 40403 } when !options.Registers =>
            "does not have the schema; register it (aststream schema prints it), or let register_schemas be true",
        SchemaRegistryException { Status: System.Net.HttpStatusCode.Conflict } =>
            $"does not take the schema, as it is not compatible with the one that it has: {e.Message}",
        _ => e.Message,
    };

    private static string NameOf(StreamRecord record) => record switch
    {
        SoundEvent => "event",
        CoverageInterval => "coverage",
        _ => "scores",
    };
}
