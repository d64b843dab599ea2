using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace AstStream.Dsp;

/// <summary>A sharp low-pass filter, before samples that are left out.</summary>
internal sealed unsafe class LowPassStage : ResamplerStage
{
    private const int Capacity = 1024; // beside what a run needs

    private static readonly ConcurrentQueue<float[]> s_scratch = []; // pinned; as many as ever ran at once

    private readonly LowPass _filter;
    private readonly int _step;
    private readonly float[] _output; // pinned
    private readonly float* _given;
    private int _next; // of the output that is to be given

    /// <summary>Makes the stage.</summary>
    /// <param name="filter">The filter.</param>
    /// <param name="step">Of what it gives, every step-th sample is kept.</param>
    public LowPassStage(LowPass filter, int step)
        : base((2 * filter.Half) + filter.Advance + Capacity, filter.Half)
    {
        (_filter, _step) = (filter, step);
        _output = GC.AllocateArray<float>(2 * filter.Block, pinned: true);
        _given = (float*)Unsafe.AsPointer(ref _output[0]);
        Reset();
    }

    protected override int Compute(Span<float> output)
    {
        var given = 0;
        while (given < output.Length)
        {
            var blocks = 2 * _filter.Block;
            if (_next >= blocks)
            {
                if (Count - Used < _filter.Advance + (2 * _filter.Half))
                    break;
                if (!s_scratch.TryDequeue(out var scratch))
                    scratch = GC.AllocateArray<float>(LowPass.Scratch + 16, pinned: true);
                _filter.Run(Buffer + Used, _given, (float*)(((nuint)Unsafe.AsPointer(ref scratch[0]) + 63) & ~(nuint)63));
                s_scratch.Enqueue(scratch);
                Used += _filter.Advance;
                _next -= blocks;
                continue;
            }

            if (_step == 1)
            {
                var part = Math.Min(output.Length - given, blocks - _next);
                new ReadOnlySpan<float>(_given + _next, part).CopyTo(output[given..]);
                (_next, given) = (_next + part, given + part);
            }
            else
            {
                for (; given < output.Length && _next < blocks; _next += _step)
                    output[given++] = _given[_next];
            }
        }

        GC.KeepAlive(_output);
        return given;
    }

    public override void Reset()
    {
        base.Reset();
        _next = 2 * _filter.Block;
    }
}
