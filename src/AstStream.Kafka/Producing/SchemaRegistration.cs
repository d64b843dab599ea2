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
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30); // with all tries that the client makes

    private CachedSchemaRegistryClient _client = new(options.Settings);
    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal); // by the records' types
    private (string Type, Task<int> Task)? _asked; // that may be under way

    /// <summary>What is wrong with settings, by making a client of them; null where nothing is.</summary>
    public static string? Problem(SchemaOptions options)
    {
        string? Of(IEnumerable<KeyValuePair<string, string>> settings)
        {
            try
            {
                new CachedSchemaRegistryClient(settings).Dispose();
                return null;
            }
            catch (Exception e)
            {
                return options.WithoutSecrets(e.Message.ReplaceLineEndings(" ")); // of a name, a number, or a file: of any type
            }
        }

        if (Of(options.Settings) is not { } whole)
            return null;

        // Which one it is, messages do not always say.
        var url = options.Settings.Where(s => s.Key == SchemaOptions.UrlSetting).ToList();
        var one = options.Settings.Except(url).FirstOrDefault(s => Of(url.Append(s)) is not null);
        return one.Key is null ? whole : $"{one.Key[SchemaOptions.Prefix.Length..]}: {whole}";
    }

    public void Dispose() => _client.Dispose();

    /// <summary>The number of a record's schema; null where the registry was not asked yet.</summary>
    public int? Known(StreamRecord record) => _ids.TryGetValue(CloudEvents.TypeOf(record), out var id) ? id : null;

    /// <summary>Asks the registry for it. One record at a time.</summary>
    /// <exception cref="SinkException">It does not answer, or does not have or take the schema: it may later.</exception>
    public async Task AskAsync(StreamRecord record, CancellationToken cancellation)
    {
        var type = CloudEvents.TypeOf(record);
        var subject = options.Subject(topic, type);
        try
        {
            // One that was not waited for to its end is not asked a second time beside it.
            _asked = _asked is { Task.IsCompleted: false } asked && asked.Type == type ? asked : (type, RequestAsync(subject, type));
            var id = await _asked.Value.Task.WaitAsync(s_patience, cancellation).ConfigureAwait(false);
            if (id < 1)
            {
                _client.Dispose(); // which keeps what it was answered
                _client = new CachedSchemaRegistryClient(options.Settings);
                throw new InvalidDataException($"answered with the number {id}; expected 1 or more");
            }

            _ids[type] = id;
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            // Whatever the client makes of an answer: a record is not lost by it.
            var why = Printable.Text(options.WithoutSecrets(Why(e)).ReplaceLineEndings(" "));
            throw new SinkException($"schema registry {options.Name}, subject {subject}: {why}", isTransient: true);
        }
    }

    private Task<int> RequestAsync(string subject, string type)
    {
        var schema = new Schema(RecordSchema.OfType(type), SchemaType.Json);
        return options.Registers ? _client.RegisterSchemaAsync(subject, schema) : _client.GetSchemaIdAsync(subject, schema);
    }

    private string Why(Exception e) => e switch
    {
        SchemaRegistryException { ErrorCode: 40401 or 40403 } when !options.Registers =>
            "does not have the schema; register it (aststream schema prints it), or let register_schemas be true",
        SchemaRegistryException { Status: System.Net.HttpStatusCode.Conflict } =>
            $"does not take the schema, as it is not compatible with the one that it has: {e.Message}",
        _ => e.GetBaseException() is var cause && cause != e ? $"{e.Message}: {cause.Message}" : e.Message,
    };
}
