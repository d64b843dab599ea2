namespace AstStream.Worker.Setup;

/// <summary>What was found of one thing that a station needs.</summary>
/// <param name="Health">How well it is.</param>
/// <param name="Area">What it is about.</param>
/// <param name="Text">What was found.</param>
/// <param name="Advice">What to do; empty where nothing is to be done.</param>
internal sealed record Finding(Health Health, string Area, string Text, string Advice = "")
{
    public static Finding Good(string area, string text) => new(Health.Good, area, text);

    public static Finding Note(string area, string text, string advice) => new(Health.Note, area, text, advice);

    public static Finding Bad(string area, string text, string advice) => new(Health.Bad, area, text, advice);
}
