using AstStream.Model.Checkpoints;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Pipelines;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace AstStream.Worker.Hosting;

/// <summary>
/// What can be set for all commands: appsettings.json beside the program, and over it environment variables that begin with ASTSTREAM_
/// (ASTSTREAM_LOGGING__LEVEL is Logging:Level). docs/operations.md lists the keys.
/// </summary>
internal sealed record WorkerSettings
{
    private const string File = "appsettings.json";
    private const string Variables = "ASTSTREAM_";

    private static readonly string[] s_keys = ["DefaultModel", "Cache", "Logging:Level", "Logging:Format", "Telemetry:Endpoint"];

    /// <summary>The levels of the log, by the words for them.</summary>
    public static IReadOnlyDictionary<string, LogLevel> Levels { get; } = new Dictionary<string, LogLevel>(StringComparer.Ordinal)
    {
        ["debug"] = LogLevel.Debug,
        ["note"] = LogLevel.Information,
        ["warning"] = LogLevel.Warning,
        ["error"] = LogLevel.Error,
    };

    /// <summary>The model of a pipeline that names none.</summary>
    public required string DefaultModel { get; init; }

    /// <summary>What commands load pipelines with.</summary>
    public PipelineHost Host => new() { Catalog = WorkerCatalog.All, DefaultModel = DefaultModel };

    /// <summary>The folder for built graphs; null for the user's cache.</summary>
    public string? Cache { get; init; }

    /// <summary>The least of what is logged, one of <see cref="Levels"/>; note by default.</summary>
    public string Level { get; init; } = "note";

    /// <summary>How the log is written; text by default.</summary>
    public string Format { get; init; } = "text";

    /// <summary>Where metrics are sent by OTLP; null for what OpenTelemetry's own variables say.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>Reads the settings.</summary>
    /// <exception cref="InvalidDataException">Something in them is wrong; says what, where, and what was expected.</exception>
    public static WorkerSettings Read() => Read(AppContext.BaseDirectory);

    /// <summary>The same, of a program in another folder, with variables that begin with something else.</summary>
    internal static WorkerSettings Read(string folder, string prefix = Variables)
    {
        var path = Path.Combine(folder, File);
        var file = Built(b => b.SetBasePath(folder).AddJsonFile(File, optional: true), path);
        foreach (var (key, value) in file.AsEnumerable())
        {
            if (value is not null && !s_keys.Contains(key, StringComparer.OrdinalIgnoreCase))
                throw new InvalidDataException($"{path}: there is no setting '{key}'{Nearest.Hint(key, s_keys)}");
        }

        var variables = Built(b => b.AddEnvironmentVariables(prefix), path);
        (string? Value, string Where) Get(string key) => variables[key] is { Length: > 0 } own
            ? (own, prefix + key.Replace(":", "__", StringComparison.Ordinal).ToUpperInvariant())
            : (file[key] is { Length: > 0 } written ? written : null, $"{path}: {key}");

        string Word(string key, string fallback, params IEnumerable<string> words)
        {
            var (value, where) = Get(key);
            return value is null || words.Contains(value)
                ? value ?? fallback
                : throw new InvalidDataException($"{where}: found '{value}'; expected one of {string.Join(", ", words)}");
        }

        // A path in the settings file is relative to the program; one that a person gives, to where the person is.
        string? Folder(string key) => Get(key) is { Value: { } value } found
            ? Path.GetFullPath(value, found.Where.StartsWith(path, StringComparison.Ordinal) ? folder : Directory.GetCurrentDirectory())
            : null;

        Uri? endpoint = null;
        if (Get("Telemetry:Endpoint") is { Value: { } address } given
            && !(Uri.TryCreate(address, UriKind.Absolute, out endpoint) && endpoint.Scheme is "http" or "https"))
            throw new InvalidDataException($"{given.Where}: found '{address}'; expected an address such as http://localhost:4317");
        return new WorkerSettings
        {
            DefaultModel = Folder("DefaultModel") ?? Path.GetFullPath("pipelines/models/ast-audioset-tiny", folder),
            Cache = Folder("Cache"),
            Level = Word("Logging:Level", "note", Levels.Keys),
            Format = Word("Logging:Format", "text", EnumWords.All<LogFormat>()),
            Endpoint = endpoint,
        };
    }

    private static IConfigurationRoot Built(Action<ConfigurationBuilder> add, string path)
    {
        var builder = new ConfigurationBuilder();
        add(builder);
        try
        {
            return builder.Build();
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"{path}: can't be read: {(e.InnerException ?? e).Message.ReplaceLineEndings(" ")}", e);
        }
    }
}
