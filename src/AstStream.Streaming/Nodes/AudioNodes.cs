using AstStream.Dsp;

namespace AstStream.Streaming;

/// <summary>A node that turns each message into any number of others; the work itself is synchronous.</summary>
internal abstract class TransformNode<TIn, TOut>(string name, Edge<TIn> input) : Node(name)
{
    private readonly List<TOut> _produced = [];
    private Edge<TOut>? _output;

    public void ConnectTo(Edge<TOut> edge) => _output = WritesTo(edge);

    /// <summary>Takes a message, which is the node's from here on, and adds what follows from it.</summary>
    public abstract void Process(TIn message, List<TOut> produced);

    protected override async Task WorkAsync(CancellationToken cancellation)
    {
        while (await input.WaitToReadAsync().ConfigureAwait(false))
        {
            while (input.TryRead(out var message))
            {
                Process(message, _produced);
                foreach (var item in _produced)
                    await _output!.WriteAsync(item, cancellation).ConfigureAwait(false);
                _produced.Clear();
            }
        }
    }
}

/// <summary>Multiplies every sample.</summary>
internal sealed class GainNode(string name, Edge<AudioBlock> input, double decibels) : TransformNode<AudioBlock, AudioBlock>(name, input)
{
    private readonly float _factor = (float)Math.Pow(10, decibels / 20);

    public override string Description => FormattableString.Invariant($"gain of {decibels} dB");

    public override void Process(AudioBlock message, List<AudioBlock> produced)
    {
        foreach (ref var sample in message.Samples)
            sample *= _factor;
        produced.Add(message);
    }
}

/// <summary>Brings every stream to the model's rate.</summary>
internal sealed class ResampleNode(string name, Edge<AudioBlock> input) : TransformNode<AudioBlock, AudioBlock>(name, input)
{
    private const int OutputBlock = 4096; // samples

    private readonly Dictionary<StreamInfo, State> _streams = [];

    public override string Description => $"to {FbankOptions.SampleRate} Hz";

    public override void Process(AudioBlock message, List<AudioBlock> produced)
    {
        if (!_streams.TryGetValue(message.Stream, out var state))
            _streams[message.Stream] = state = new State(new Resampler(message.SampleRate, FbankOptions.SampleRate));
        var rest = message.Samples;
        if (state.Resampler.InputRate != message.SampleRate || (!rest.IsEmpty && message.Start != state.Expected))
        {
            throw new InvalidOperationException(
                $"stream {message.Stream.Id} jumps from sample {state.Expected} at {state.Resampler.InputRate} Hz to {message.Start} at {message.SampleRate} Hz without a discontinuity");
        }

        state.Expected += rest.Length;
        while (!rest.IsEmpty)
        {
            var block = Block(message.Stream, MessageKind.Data, state.Position, OutputBlock);
            var given = state.Resampler.Process(rest, block.Samples, out var taken);
            rest = rest[taken..];
            Add(block, given, state, produced);
        }

        if (message.Kind != MessageKind.Data)
        {
            int given;
            do
            {
                var block = Block(message.Stream, MessageKind.Data, state.Position, OutputBlock);
                given = state.Resampler.Flush(block.Samples);
                Add(block, given, state, produced);
            }
            while (given > 0);
            state.Resampler.Reset();
            if (message.Kind == MessageKind.End)
                _streams.Remove(message.Stream);
            else
                (state.Expected, state.Position) = (message.Start, (long)Math.Round(message.Start * (decimal)FbankOptions.SampleRate / message.SampleRate));
            produced.Add(Block(message.Stream, message.Kind, state.Position, 0));
        }

        message.Return();
    }

    private static AudioBlock Block(StreamInfo stream, MessageKind kind, long start, int length)
    {
        var block = AudioBlock.Rent(stream, kind, start);
        block.SampleRate = FbankOptions.SampleRate;
        block.Resize(length);
        return block;
    }

    private static void Add(AudioBlock block, int given, State state, List<AudioBlock> produced)
    {
        if (given == 0)
        {
            block.Return();
            return;
        }

        block.Resize(given);
        state.Position += given;
        produced.Add(block);
    }

    private sealed class State(Resampler resampler)
    {
        public Resampler Resampler => resampler;

        public long Expected { get; set; } // the next input sample

        public long Position { get; set; } // the next output sample
    }
}

/// <summary>Log-mel frames, gathered into windows every hop.</summary>
internal sealed class FbankNode(string name, Edge<AudioBlock> input, WindowOptions options, RunReport report) : TransformNode<AudioBlock, FeatureWindow>(name, input)
{
    private readonly Dictionary<StreamInfo, WindowAssembler> _streams = [];

    public override string Description => FormattableString.Invariant(
        $"{options.NumMelBins} mel bins, windows of {options.WindowFrames} frames every {options.HopFrames * FbankOptions.FrameShift / (double)FbankOptions.SampleRate} s");

    public override void Process(AudioBlock message, List<FeatureWindow> produced)
    {
        if (!_streams.TryGetValue(message.Stream, out var assembler))
            _streams[message.Stream] = assembler = new WindowAssembler(message.Stream, options);
        report.AddSamples(message.Samples.Length);
        assembler.AcceptWaveform(message.Samples, produced);
        if (message.Kind != MessageKind.Data)
        {
            assembler.Break(message.Kind, message.Start, produced);
            if (message.Kind == MessageKind.End)
            {
                _streams.Remove(message.Stream);
                report.AddStream();
            }
        }

        message.Return();
    }
}
