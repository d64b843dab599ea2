using AstStream.Dsp;
using AstStream.Events;

namespace AstStream.Connectors.Capture;

/// <summary>Sound that is held until it is plain where it belongs. Its owner holds a lock.</summary>
internal sealed class HeldSound
{
    private float[] _samples = [];

    /// <summary>How many samples are held.</summary>
    public int Count { get; private set; }

    /// <summary>When it is passed on, at the latest; 0: nothing is to be held; infinite: from the next sound on.</summary>
    public double Until { get; private set; }

    /// <summary>When its last sample was heard.</summary>
    public double Heard { get; private set; }

    /// <summary>What the time counts as that may be missing before it.</summary>
    public LossReason Reason { get; private set; }

    /// <summary>What comes is held.</summary>
    public bool IsHolding => Until != 0;

    /// <summary>The samples.</summary>
    public ReadOnlySpan<float> Samples => _samples.AsSpan(0, Count);

    /// <summary>Holds what comes, unless that is so already.</summary>
    public void Begin(double until, LossReason reason)
    {
        if (!IsHolding)
            (Until, Reason) = (until, reason);
    }

    /// <summary>Holds it on, until then.</summary>
    public void Extend(double until) => Until = until;

    /// <summary>Adds sound, the last of which was heard at a time.</summary>
    /// <param name="decoder">Decodes it.</param>
    /// <param name="bytes">The sound.</param>
    /// <param name="frames">Its frames.</param>
    /// <param name="heard">When its last sample was heard.</param>
    /// <param name="until">When it is to be passed on, where that is earlier than before.</param>
    public void Add(PcmDecoder decoder, ReadOnlySpan<byte> bytes, int frames, double heard, double until)
    {
        (Until, Heard) = (Math.Min(Until, until), heard);
        if (_samples.Length < Count + frames)
            Array.Resize(ref _samples, Math.Max(Count + frames, _samples.Length * 2));
        Count += decoder.Decode(bytes, _samples.AsSpan(Count, frames));
    }

    /// <summary>Drops samples from its front.</summary>
    public void Skip(int samples)
    {
        Count -= samples;
        _samples.AsSpan(samples, Count).CopyTo(_samples);
    }

    /// <summary>Drops what is held: it is passed on, or of no use.</summary>
    /// <param name="most">The most samples that memory is kept for.</param>
    public void Clear(int most)
    {
        Count = 0;
        if (_samples.Length > most)
            _samples = []; // a burst
    }

    /// <summary>Nothing is to be held any more.</summary>
    /// <param name="reason">What time that goes by counts as from here on.</param>
    public void End(LossReason reason) => (Until, Reason) = (0, reason);
}
