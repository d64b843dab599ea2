namespace AstStream.Dsp;

/// <summary>A ratio of rates by a short filter.</summary>
internal sealed unsafe class PolyphaseStage : ResamplerStage
{
    private const int Capacity = 2048; // beside the filter's own length

    private readonly Polyphase _filter;
    private int _phase;

    public PolyphaseStage(Polyphase filter)
        : base(filter.Taps + Capacity, (filter.Taps / 2) - 1)
    {
        _filter = filter;
        Reset();
    }

    protected override int Compute(Span<float> output)
    {
        var at = Used;
        var given = _filter.Run(Buffer, Count, ref at, ref _phase, output);
        Used = at;
        return given;
    }

    public override void Reset()
    {
        base.Reset();
        _phase = 0;
    }
}
