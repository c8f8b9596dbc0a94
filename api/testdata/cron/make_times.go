// Prints, for each zone and schedule, the next three times from a few hours before each change of the zone's clocks
// (or each new year, where clocks never change).
package main

import (
	"fmt"
	"time"

	"github.com/robfig/cron/v3"
)

var zones = []string{"UTC", "America/New_York", "America/Los_Angeles", "America/St_Johns",
	"Europe/Berlin", "Europe/London", "Europe/Dublin", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Tokyo",
	"Australia/Sydney", "Australia/Adelaide", "Pacific/Auckland"}

var schedules = []string{"* * * * *", "*/7 * * * *", "0 * * * *", "30 1 * * *", "30 2 * * *", "0 0 * * *", "15 3 * * *",
	"0 0 1 * *", "0 0 29 2 *", "0 0 31 * *", "0 0 30 2 *", "0 12 * * mon-fri", "0 0 */2 * MON", "0 0 13 * fri",
	"5,35 0-3/2 * * *", "30/15 23 * jan,MAR sun", "0 0 1 1 ?", "*/1 2 */1 * 0", "59 23 28-31 * *", "0 9 1-7 * 1",
	"@hourly", "@daily", "@weekly", "@monthly", "@yearly", "@every 90m", "@every 1h30m10s", "@every 100ms"}

func changes(zone *time.Location) []time.Time {
	var found []time.Time
	end := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	at := time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC)
	_, before := at.In(zone).Zone()
	for ; at.Before(end); at = at.Add(30 * time.Minute) {
		_, offset := at.In(zone).Zone()
		if offset != before {
			found = append(found, at)
		}
		before = offset
	}
	if len(found) == 0 {
		for year := 2017; year < 2025; year++ {
			found = append(found, time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC))
		}
	}
	return found
}

func main() {
	for _, name := range zones {
		zone, err := time.LoadLocation(name)
		if err != nil {
			panic(err)
		}
		for _, schedule := range schedules {
			parsed, err := cron.ParseStandard("CRON_TZ=" + name + " " + schedule)
			if schedule[:2] == "@e" {
				parsed, err = cron.ParseStandard(schedule)
			}
			if err != nil {
				panic(err)
			}
			for _, change := range changes(zone) {
				from := change.Add(-95*time.Minute - 30*time.Second)
				fmt.Printf("%s\t%s\t%d", name, schedule, from.Unix())
				for i := 0; i < 3; i++ {
					next := parsed.Next(from)
					if next.IsZero() {
						fmt.Print("\t-")
						break
					}
					fmt.Printf("\t%d", next.Unix()-from.Unix())
					from = next
				}
				fmt.Println()
			}
		}
	}
}
