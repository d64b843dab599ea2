namespace AstStream.Learning.Training;

/// <summary>What a window was made of.</summary>
/// <param name="First">Where the clip lies in it.</param>
/// <param name="Second">Where the clip lies that it was mixed with; nowhere, where it was not.</param>
/// <param name="Share">How much of it is the second clip's, 0 to 1.</param>
internal readonly record struct MadeWindow(PlacedClip First, PlacedClip Second, double Share)
{
    /// <summary>Samples of the window that are sound; the rest is padding.</summary>
    public int Length => Math.Max(First.Length, Second.Length);
}
