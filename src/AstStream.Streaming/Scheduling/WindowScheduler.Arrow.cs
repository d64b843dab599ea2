using AstStream.Streaming.Graph;

namespace AstStream.Streaming.Scheduling;

/// <content>Its arrows.</content>
internal sealed partial class WindowScheduler
{
    /// <summary>One side of the scheduler as an arrow of the graph.</summary>
    private sealed class Arrow(WindowScheduler scheduler, string message, Func<int> depth, Func<int> capacity) : IEdge
    {
        private readonly List<string> _from = [];
        private readonly List<string> _to = [];
        private long _written;

        public string From => string.Join(", ", _from);

        public string To => string.Join(", ", _to);

        public string Message => message;

        public int Capacity => capacity();

        public long Written => Interlocked.Read(ref _written);

        public int Depth
        {
            get
            {
                lock (scheduler._lock)
                    return depth();
            }
        }

        public long Waits => 0;

        public void AddWriter(string node) => _from.Add(node);

        public void AddReader(string node) => _to.Add(node);

        public void Drain()
        {
            if (message == WindowMessage)
                scheduler.Close();
        }

        public void Count() => Interlocked.Increment(ref _written);
    }
}
