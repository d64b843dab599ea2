namespace AstStream.Streaming.Definitions;

/// <summary>Something outside of a pipeline that a component of it needs: a file, standard input, a name in a consumer group.</summary>
/// <param name="Kind">What kind of thing it is.</param>
/// <param name="Name">Which one; for a file its full path, links followed.</param>
public sealed record Resource(ResourceKind Kind, string Name)
{
    /// <summary>What to say where another component has it already, whose name is given; without that the kind says it.</summary>
    public Func<string, string>? Clash { get; init; }

    /// <summary>The key that names it; null for the whole component.</summary>
    public Key? Key { get; init; }

    /// <summary>Whether a component can take it over from one that ends while the pipeline runs; true by default.</summary>
    public bool CanBeTakenOver { get; init; } = true;

    /// <summary>A file that is read; many may read it.</summary>
    public static Resource Reads(string path) => new(ResourceKind.FileToRead, path);

    /// <summary>A file that is written, by nobody else.</summary>
    public static Resource Writes(string path) => new(ResourceKind.FileToWrite, path);
}
