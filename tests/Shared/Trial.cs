namespace AstStream.Tests.Shared;

/// <summary>How long a trial goes on.</summary>
internal static class Trial
{
    /// <summary>Whether it takes the minutes that make's trial targets give it, rather than the seconds of a test.</summary>
    public static bool IsLong { get; } = Environment.GetEnvironmentVariable("ASTSTREAM_TRIAL") == "long";
}
