namespace AstStream.Streaming.Definitions;

/// <summary>Labels, or views, that a definition names; a model must have each.</summary>
public sealed record LabelClaim
{
    private readonly SectionPlaces _places;
    private readonly Key _key;

    internal LabelClaim(SectionPlaces places, Key key, IReadOnlyList<string> names) => (_places, _key, Names) = (places, key, names);

    /// <summary>Their names.</summary>
    public IReadOnlyList<string> Names { get; }

    internal ConfigProblem Problem(string message) => _places.Problem(_key, message);
}
