using System.Net;

namespace AstStream.Station.Web;

/// <summary>
/// How often somebody may try a password: ten times in ten minutes from one address, and a hundred times from all together. Safe for many
/// threads.
/// </summary>
internal sealed class LoginLimit(TimeProvider time)
{
    private const int MostOfOne = 10;
    private const int MostOfAll = 100;

    private static readonly TimeSpan s_span = TimeSpan.FromMinutes(10);

    private readonly Lock _lock = new();
    private readonly Queue<(DateTimeOffset At, IPAddress Address)> _tries = [];

    /// <summary>Counts a try of an address; false where it may not try now.</summary>
    public bool TryBegin(IPAddress address)
    {
        lock (_lock)
        {
            while (_tries.TryPeek(out var oldest) && time.GetUtcNow() - oldest.At > s_span)
                _tries.Dequeue();
            if (_tries.Count >= MostOfAll || _tries.Count(t => t.Address.Equals(address)) >= MostOfOne)
                return false;
            _tries.Enqueue((time.GetUtcNow(), address));
            return true;
        }
    }
}
