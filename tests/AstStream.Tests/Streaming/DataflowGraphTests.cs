using AstStream.Streaming.Graph;

namespace AstStream.Tests.Streaming;

public class DataflowGraphTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task RunAsync_SourceCompletes_EverythingDrainsInOrder()
    {
        var received = new List<int>();
        var (a, b) = (new Edge<int>("double", 1), new Edge<int>("sink", 1));
        var graph = new DataflowGraph([
            new Writer("source", a, Enumerable.Range(0, 1000)),
            new Pass("double", a, b, x => 2 * x),
            new Reader("sink", b, x => { received.Add(x); return Task.CompletedTask; })]);

        await graph.RunAsync(CancellationToken.None).WaitAsync(s_patience);

        Assert.Equal(Enumerable.Range(0, 1000).Select(x => 2 * x), received);
        Assert.All(graph.Edges, e => Assert.Equal((1000L, 0), (e.Written, e.Depth)));
        Assert.True(graph.Edges.Sum(e => e.Waits) > 0);
    }

    [Fact]
    public async Task RunAsync_SeveralWriters_EdgeCompletesWithTheLast()
    {
        var edge = new Edge<int>("sink", 4);
        var count = 0;
        var graph = new DataflowGraph([
            new Writer("one", edge, Enumerable.Range(0, 10)),
            new Writer("two", edge, Enumerable.Range(0, 500)),
            new Reader("sink", edge, _ => { count++; return Task.CompletedTask; })]);

        await graph.RunAsync(CancellationToken.None).WaitAsync(s_patience);

        Assert.Equal(510, count);
        Assert.Equal("one, two", edge.From);
    }

    [Theory]
    [InlineData("source")]
    [InlineData("pass")]
    [InlineData("sink")]
    public async Task RunAsync_NodeFails_StopsEverythingAndNamesTheNode(string failing)
    {
        var (a, b) = (new Edge<int>("pass", 1), new Edge<int>("sink", 1));
        int Fail(string node, int x) => node == failing && x == 50 ? throw new IOException("no space left") : x;
        var graph = new DataflowGraph([
            new Writer("source", a, Enumerable.Range(0, int.MaxValue).Select(x => Fail("source", x))),
            new Pass("pass", a, b, x => Fail("pass", x)),
            new Reader("sink", b, x => { Fail("sink", x); return Task.CompletedTask; })]);

        var e = await Assert.ThrowsAsync<NodeFaultException>(() => graph.RunAsync(CancellationToken.None).WaitAsync(s_patience));

        Assert.Equal((failing, $"{failing}: no space left"), (e.Node, e.Message));
    }

    [Fact]
    public async Task RunAsync_Cancelled_StopsBlockedNodes()
    {
        using var cancel = new CancellationTokenSource();
        var edge = new Edge<int>("sink", 1);
        var graph = new DataflowGraph([
            new Writer("source", edge, Enumerable.Range(0, int.MaxValue)),
            new Reader("sink", edge, x => x == 3 ? cancel.CancelAsync() : Task.CompletedTask)]);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => graph.RunAsync(cancel.Token).WaitAsync(s_patience));
    }

    [Fact]
    public async Task RunAsync_NodeTimesOut_IsAFaultAndNotACancellation()
    {
        var edge = new Edge<int>("sink", 1);
        var graph = new DataflowGraph([
            new Writer("source", edge, Enumerable.Range(0, 10)),
            new Reader("sink", edge, _ => throw new TaskCanceledException("timed out"))]);

        var e = await Assert.ThrowsAsync<NodeFaultException>(() => graph.RunAsync(CancellationToken.None).WaitAsync(s_patience));

        Assert.Equal("sink: timed out", e.Message);
    }

    [Fact]
    public async Task RunAsync_OneOfTwoWritersFails_NamesThatOne()
    {
        for (var i = 0; i < 200; i++)
        {
            var edge = new Edge<int>("sink", 1);
            var graph = new DataflowGraph([
                new Writer("one", edge, Enumerable.Range(0, int.MaxValue)),
                new Writer("two", edge, Enumerable.Range(0, int.MaxValue).Select(x => x == 20 ? throw new IOException("broken") : x)),
                new Reader("sink", edge, _ => Task.CompletedTask)]);

            var e = await Assert.ThrowsAsync<NodeFaultException>(() => graph.RunAsync(CancellationToken.None).WaitAsync(s_patience));
            Assert.Equal("two: broken", e.Message);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task RunAsync_OpeningOrClosingFails_ClosesAllAndTellsTheFirst(bool opening)
    {
        var edge = new Edge<int>("sink", 1);
        var first = new Fragile("first", edge, failOpen: false, failClose: true);
        var second = new Fragile("second", edge, failOpen: opening, failClose: true);
        var graph = new DataflowGraph([first, second, new Reader("sink", edge, _ => Task.CompletedTask)]);

        var e = await Assert.ThrowsAnyAsync<Exception>(() => graph.RunAsync(CancellationToken.None).WaitAsync(s_patience));

        Assert.Equal(opening ? "can't open" : "first: can't close", e.Message);
        Assert.True(first.IsClosed && second.IsClosed);
    }

    private sealed class Fragile : Node
    {
        private readonly bool _failOpen;
        private readonly bool _failClose;

        public Fragile(string name, Edge<int> edge, bool failOpen, bool failClose)
            : base(name)
        {
            WritesTo(edge);
            _failOpen = failOpen;
            _failClose = failClose;
        }

        public bool IsClosed { get; private set; }

        public override string Description => "breaks";

        internal override ValueTask OpenAsync(CancellationToken cancellation) =>
            _failOpen ? throw new IOException("can't open") : ValueTask.CompletedTask;

        internal override ValueTask CloseAsync()
        {
            IsClosed = true;
            return _failClose ? throw new IOException("can't close") : ValueTask.CompletedTask;
        }

        protected override Task WorkAsync(CancellationToken cancellation) => Task.CompletedTask;
    }

    private sealed class Writer : Node
    {
        private readonly Edge<int> _edge;
        private readonly IEnumerable<int> _values;

        public Writer(string name, Edge<int> edge, IEnumerable<int> values)
            : base(name)
        {
            _edge = WritesTo(edge);
            _values = values;
        }

        public override string Description => "writes";

        protected override async Task WorkAsync(CancellationToken cancellation)
        {
            foreach (var value in _values)
                await _edge.WriteAsync(value, cancellation);
        }
    }

    private sealed class Pass : Node
    {
        private readonly Edge<int> _input;
        private readonly Edge<int> _output;
        private readonly Func<int, int> _map;

        public Pass(string name, Edge<int> input, Edge<int> output, Func<int, int> map)
            : base(name)
        {
            _input = input;
            _output = WritesTo(output);
            _map = map;
        }

        public override string Description => "passes on";

        protected override async Task WorkAsync(CancellationToken cancellation)
        {
            while (await _input.WaitToReadAsync())
            {
                while (_input.TryRead(out var value))
                    await _output.WriteAsync(_map(value), cancellation);
            }
        }
    }

    private sealed class Reader(string name, Edge<int> edge, Func<int, Task> action) : Node(name)
    {
        public override string Description => "reads";

        protected override async Task WorkAsync(CancellationToken cancellation)
        {
            while (await edge.WaitToReadAsync())
            {
                while (edge.TryRead(out var value))
                    await action(value);
            }
        }
    }
}
