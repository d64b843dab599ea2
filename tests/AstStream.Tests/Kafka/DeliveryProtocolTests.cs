using System.Globalization;
using System.Text;
using Confluent.Kafka;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace AstStream.Tests.Kafka;

/// <summary>
/// What is committed with what, and what a zombie may do: workers on a log in memory, with crashes, zombies, rebalances and lost replies at
/// any step. A reader of committed records must see what one worker gives that nobody disturbed.
/// </summary>
public sealed class DeliveryProtocolTests
{
    private const int Partitions = 2;

    [Property(MaxTest = 300)]
    public Property Commit_WhateverHappens_ReadersSeeEveryRecordOnce() => Prop.ForAll(
        Gen.Choose(0, 1_000_000).ToArbitrary(),
        Gen.Choose(0, 999).ListOf(200).ToArbitrary(),
        (seed, steps) => CheckAsync(seed, [.. steps]).GetAwaiter().GetResult());

    [Theory]
    [InlineData("0 6 4 2 8")]
    [InlineData("0 4 6 2 8")]
    [InlineData("0 2 2 0 4 6 4 8")] // some of them twice
    public async Task Take_BlocksOutOfOrder_AreHeardInTheirOrder(string starts)
    {
        var cluster = new MemoryCluster(Partitions);
        foreach (var start in starts.Split(' '))
        {
            var headers = new Headers
            {
                { "session", Text(1) },
                { "capture_time", "2026-01-01T00:00:00Z"u8.ToArray() },
                { "first_sample", Encoding.ASCII.GetBytes(start) },
            };
            var first = short.Parse(start, CultureInfo.InvariantCulture);
            byte[] samples = [.. BitConverter.GetBytes(first), .. BitConverter.GetBytes((short)(first + 1))];
            cluster.Sound[0].Add(("s0", samples, headers));
        }

        cluster.Sound[0].Add(("s0", null, []));
        using var worker = new ToyWorker(cluster);
        await worker.AssignAsync([0, 1], commits: true);
        await FinishAsync(cluster, worker);

        Assert.All(cluster.Committed, c => Assert.DoesNotContain("gap", c, StringComparison.Ordinal));
        Assert.Contains(cluster.Committed, c => c.Contains("sum 45 0-10", StringComparison.Ordinal)); // 0 + 1 + … + 9
    }

    private static async Task<bool> CheckAsync(int seed, int[] steps)
    {
        var calm = Fill(seed);
        using (var worker = new ToyWorker(calm))
        {
            await worker.AssignAsync([0, 1], commits: true);
            await FinishAsync(calm, worker);
        }

        var cluster = Fill(seed);
        var members = new List<ToyWorker> { new(cluster), new(cluster) };
        var zombies = new List<ToyWorker>();
        await RebalanceAsync(cluster, members, graceful: true);
        foreach (var step in steps)
        {
            var one = members[step % members.Count];
            switch (step / 100)
            {
                case 0 or 1 or 2:
                    await one.PollAsync(step);
                    break;
                case 3:
                    one.Score();
                    break;
                case 4:
                    await one.CommitAsync();
                    break;
                case 5:
                    one.Fate = (Fate)(step % 4);
                    await one.CommitAsync();
                    break;
                case 6:
                    // One dies, or freezes: its transaction, if there is one, ends this way or that; the others get its partitions.
                    members.Remove(one);
                    zombies.Add(one);
                    members.Add(new ToyWorker(cluster));
                    await RebalanceAsync(cluster, members, graceful: step % 2 == 0);
                    break;
                case 7:
                    // What is believed dead goes on: with what it has, for a while.
                    if (zombies.Count > 0 && zombies[step % zombies.Count] is { IsDead: false } zombie)
                    {
                        await zombie.PollAsync(step);
                        zombie.Score();
                        await zombie.CommitAsync();
                    }

                    break;
                case 8:
                    cluster.EndPending(commits: step % 2 == 0);
                    break;
                default:
                    if (members.Count < 3)
                        members.Add(new ToyWorker(cluster));
                    else
                        members.RemoveAt(step % members.Count);
                    await RebalanceAsync(cluster, members, graceful: true);
                    break;
            }

            // A process that dies within its commit is gone, and its place is taken.
            foreach (var dead in members.Where(m => m.IsDead).ToList())
            {
                members.Remove(dead);
                members.Add(new ToyWorker(cluster));
                await RebalanceAsync(cluster, members, graceful: false);
            }
        }

        cluster.EndPending(commits: seed % 2 == 0);
        using var last = new ToyWorker(cluster);
        await RebalanceAsync(cluster, [last], graceful: false);
        await FinishAsync(cluster, last);

        // The order holds within a stream.
        foreach (var topic in (string[])["events", "again", "dead"])
        {
            foreach (var key in Enumerable.Range(0, 5).Select(s => $"{topic} s{s}:"))
            {
                List<string> expected = [.. calm.Committed.Where(c => c.StartsWith(key, StringComparison.Ordinal))];
                List<string> found = [.. cluster.Committed.Where(c => c.StartsWith(key, StringComparison.Ordinal))];
                Assert.True(expected.SequenceEqual(found),
                    $"expected\n{string.Join('\n', expected)}\nfound\n{string.Join('\n', found)}\n{Show(calm)}");
            }
        }

        Assert.NotEmpty(calm.Committed);
        Assert.Equal(calm.Committed.Count, cluster.Committed.Count);
        return true;
    }

    /// <summary>The records of sound, a line each.</summary>
    private static string Show(MemoryCluster cluster) => string.Join('\n', cluster.Sound.SelectMany((p, n) => p.Select((r, o) =>
        $"{n}/{o} {r.Key} " + (r.Value is null ? "end" : $"{r.Value.Length / 2} samples, "
            + string.Join(", ", r.Headers.Select(h => $"{h.Key} {Encoding.ASCII.GetString(h.GetValueBytes())}"))))));

    /// <summary>The group gives its partitions to its members; those that lose some commit them if it goes gracefully.</summary>
    private static async Task RebalanceAsync(MemoryCluster cluster, List<ToyWorker> members, bool graceful)
    {
        var turn = cluster.Generation;
        List<int>[] shares = [.. members.Select(
            (_, m) => Enumerable.Range(0, Partitions).Where(p => (p + turn) % members.Count == m).ToList())];
        if (graceful)
        {
            for (var m = 0; m < members.Count; m++)
                await members[m].RevokeAsync([.. members[m].Partitions.Except(shares[m])], commits: true);
        }

        cluster.Generation++;
        for (var m = 0; m < members.Count; m++)
            await members[m].AssignAsync(shares[m], commits: false);
    }

    private static async Task FinishAsync(MemoryCluster cluster, ToyWorker worker)
    {
        for (var turn = 0; turn < 10_000 && !worker.IsDone(); turn++)
        {
            await worker.PollAsync(turn);
            worker.Score();
            if (turn % 7 == 0)
                await worker.CommitAsync();
        }

        Assert.True(worker.IsDone(),
            $"offsets {string.Join(", ", Enumerable.Range(0, Partitions).Select(cluster.Offset))} of "
                + $"{string.Join(", ", cluster.Sound.Select(s => s.Count))}");
    }

    /// <summary>
    /// Five streams in two partitions, with duplicates, disorder, holes, records that are no sound, devices that start over, and ends.
    /// </summary>
    private static MemoryCluster Fill(int seed)
    {
        var cluster = new MemoryCluster(Partitions);
        var random = new Random(seed);
        var streams = Enumerable.Range(0, 5).Select(_ => (Next: 0L, Session: 1)).ToArray();
        var last = new (string, byte[]?, Headers)[5];
        for (var i = 0; i < 80; i++)
        {
            var s = random.Next(5);
            var partition = cluster.Sound[s % Partitions];
            if (random.Next(12) == 0 && last[s].Item1 is not null)
            {
                partition.Add(last[s]); // once more
                continue;
            }

            if (random.Next(15) == 0)
                streams[s].Next += random.Next(1, 30); // a hole
            if (random.Next(25) == 0)
                streams[s] = (0, streams[s].Session + 1);
            if (random.Next(25) == 0)
            {
                partition.Add(($"s{s}", null, []));
                last[s] = default;
                streams[s] = (0, streams[s].Session + 1);
                continue;
            }

            var samples = new short[random.Next(1, 12)];
            foreach (ref var sample in samples.AsSpan())
                sample = (short)random.Next(-1000, 1000);
            var headers = new Headers { { "session", Text(streams[s].Session) },
                { "capture_time", Encoding.ASCII.GetBytes($"2026-01-0{(streams[s].Session % 9) + 1}T00:00:00Z") } };
            if (s != 4)
                headers.Add("first_sample", Text(streams[s].Next));
            if (random.Next(20) == 0)
                headers.Add("sample_rate", Text(random.Next(2) == 0 ? 0 : 2_000_000)); // it lies
            else
                streams[s].Next += samples.Length;
            last[s] = ($"s{s}", System.Runtime.InteropServices.MemoryMarshal.AsBytes(samples.AsSpan()).ToArray(), headers);
            if (random.Next(10) == 0 && partition.Count > 0)
                partition.Insert(partition.Count - 1, last[s]); // a little too early
            else
                partition.Add(last[s]);
        }

        for (var s = 0; s < 5; s++)
            cluster.Sound[s % Partitions].Add(($"s{s}", null, []));
        return cluster;
    }

    private static byte[] Text(long number) => Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture));
}
