namespace AstStream.Connectors.Capture;

/// <summary>
/// Sound that comes again after a break, as web servers begin with what they have kept. Its owner holds a lock.
/// </summary>
internal sealed class RepeatedSound
{
    private readonly HeardBefore _before = new();
    private long _left; // samples that are still to be left out

    /// <summary>Whether sound was left out since the way was opened last.</summary>
    public bool HasRepeated { get; private set; }

    /// <summary>Until when sound is held at most, to see whether it was heard before.</summary>
    public double DoubtUntil { get; private set; }

    /// <summary>The way is open again.</summary>
    public void Open(double doubtUntil) => (_left, HasRepeated, DoubtUntil) = (0, false, doubtUntil);

    /// <summary>Remembers what was passed on.</summary>
    public void Add(ReadOnlySpan<float> samples, int sampleRate) => _before.Add(samples, sampleRate);

    /// <summary>How many of so many frames that come are known already.</summary>
    public int Take(int frames)
    {
        var known = (int)Math.Min(_left, frames);
        _left -= known;
        return known;
    }

    /// <summary>How much of what is held was heard before; null where it is too short to tell. The rest of that is left out as it comes.
    /// </summary>
    public int? KnownOf(ReadOnlySpan<float> held, int sampleRate)
    {
        if (_before.Repeated(held, sampleRate) is not { } repeated)
            return null;
        var known = (int)Math.Min(repeated, held.Length);
        if (known > 0)
            (_left, HasRepeated) = (repeated - known, true);
        return known;
    }
}
