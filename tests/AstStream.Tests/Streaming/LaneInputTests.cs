using AstStream.Streaming.Graph;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;
using Microsoft.Extensions.Time.Testing;

namespace AstStream.Tests.Streaming;

/// <summary>What a lane of live streams leaves out while it gets more than it can do.</summary>
public sealed class LaneInputTests : IDisposable
{
    private const int Capacity = 8000;
    private const int Samples = 320; // of a block: 20 ms

    private static readonly TimeSpan s_block = TimeSpan.FromMilliseconds(20);

    private readonly FakeTimeProvider _time = new();
    private readonly RunReport _report = new();
    private readonly Edge<AudioBlock> _edge = new("lane", Capacity);
    private readonly LaneInput _lane;
    private readonly Dictionary<int, SourceOutput> _outputs = []; // by priority
    private readonly List<StreamInfo> _streams = [];
    private readonly Random _random = new(1);
    private int _blocks; // of each stream, so far

    public LaneInputTests() => _lane = new LaneInput(_edge, _time);

    public void Dispose()
    {
        _edge.Drain();
        _report.Dispose();
    }

    [Fact]
    public async Task Write_MoreThanTheLaneCanDo_LeavesWholeStreamsOut()
    {
        Begin(200);

        var (heard, marks) = await PlayAsync(seconds: 60, perRound: 150); // a quarter too much

        // After a while those that are in have no holes: some blocks of a round are of streams that come back.
        var late = heard.Skip(heard.Count / 2).ToList();
        Assert.InRange(late.Average(), 100, 150);
        Assert.True(marks < 200 * 8, $"{marks} holes"); // each stream left out every 20 s or more, and those of the start
        Assert.True(_edge.Depth < Capacity);
    }

    [Fact]
    public async Task Write_LaneKeepsUp_LeavesNothingOut()
    {
        Begin(200);

        var (heard, marks) = await PlayAsync(seconds: 5, perRound: 200);

        Assert.Equal(0, marks);
        Assert.All(heard, h => Assert.Equal(200, h));
    }

    [Fact]
    public async Task Write_LaneIsFree_AStreamComesBackAfterItsTime()
    {
        Begin(200);
        await PlayAsync(seconds: 2, perRound: 100);

        await PlayAsync(seconds: 11, perRound: 1000);

        var (heard, marks) = await PlayAsync(seconds: 1, perRound: 1000);
        Assert.Equal(0, marks);
        Assert.All(heard, h => Assert.Equal(200, h));
    }

    [Fact]
    public async Task Write_StreamsOfMorePriority_StayInWhileOthersCanGo()
    {
        Begin(50, priority: 1);
        Begin(150);
        var holes = 0;

        await PlayAsync(seconds: 20, perRound: 150, mark: s => holes += s.Priority!.Value);

        Assert.Equal(0, holes);
    }

    private void Begin(int streams, int priority = 0)
    {
        _outputs[priority] = new SourceOutput("mic", _ => _lane, isLive: true, priority, 1, _time, _report);
        for (var i = 0; i < streams; i++)
            _streams.Add(new StreamInfo($"{priority}-{i}", "mic") { Priority = priority });
    }

    /// <summary>All streams write a block each 20 ms; then the lane reads some. Returns what it read by round, and the holes.</summary>
    private async Task<(List<int> Heard, int Marks)> PlayAsync(int seconds, int perRound, Action<StreamInfo>? mark = null)
    {
        var (heard, marks) = (new List<int>(), 0);
        for (var round = 0; round < seconds * 50; round++, _blocks++)
        {
            var order = _streams.ToArray();
            _random.Shuffle(order);
            foreach (var stream in order)
            {
                var block = AudioBlock.Rent(stream, (long)_blocks * Samples, 16_000, Samples);
                await _outputs[stream.Priority!.Value].WriteAsync(block, CancellationToken.None);
            }

            var read = 0;
            while (read < perRound && _edge.TryRead(out var block))
            {
                if (block.Kind == MessageKind.Discontinuity)
                {
                    marks++;
                    mark?.Invoke(block.Stream);
                }
                else
                {
                    read++;
                }

                block.Return();
            }

            heard.Add(read);
            _time.Advance(s_block);
        }

        return (heard, marks);
    }
}
