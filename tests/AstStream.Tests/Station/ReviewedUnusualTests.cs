using AstStream.Events;
using AstStream.Events.Unusual;
using AstStream.Station.Clips;
using AstStream.Station.Store;

namespace AstStream.Tests.Station;

/// <summary>What is learnt of events that say no more than that something was unusual.</summary>
public sealed class ReviewedUnusualTests : StoreTrial
{
    [Fact]
    public void Read_UnusualEvents_TeachTheLabelThatAPersonGaveThemAlone()
    {
        var yard = new StreamIdentity("yard", "mic", s_start);
        string[] ids = ["01", "02", "03", "04", "05"];
        Directory.CreateDirectory(Path.Combine(_folder, "clips"));
        foreach (var id in ids)
            File.WriteAllText(Path.Combine(_folder, "clips", $"{id}.wav"), "sound");
        using (var writer = StoreWriter.Open(Store, _time))
        {
            foreach (var id in ids)
                writer.Add(Event(id, yard, 1, 2, label: id == "05" ? "Dog" : UnusualDecoder.Label));
            writer.Commit();
            writer.Add([.. ids.Select(id => new StoredClip(id, yard, 0, 16_000, 48_000, $"{id}.wav", 5) { Events = [id] })]);
            writer.Add([new Review("01", ReviewVerdict.Right, null, "ann", s_start),
                new Review("02", ReviewVerdict.Wrong, null, "ann", s_start),
                new Review("03", ReviewVerdict.OtherLabel, "Pump", "ann", s_start),
                new Review("05", ReviewVerdict.Wrong, null, "ann", s_start)]);
        }

        var read = ReviewedEvents.Read(_folder);

        Assert.Equal([("Pump", "Pump"), ("Dog", null)], read.Events.Select(e => (e.Label, e.Heard)));
        Assert.Empty(read.Unreviewed); // 04 waits for nobody
        Assert.Empty(read.Waiting);
        Assert.Equal(["Dog"], read.Lowest.Keys); // what is unusual has no score of a label
        Assert.Equal(0, read.WithoutSound);
    }
}
